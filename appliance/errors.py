"""Every error that Luna raises on purpose; only `http` decides how they look."""

from __future__ import annotations


class LunaError(Exception):
    """A failure with a sentence a person can act on; `code` is its stable machine name."""

    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class BadRequest(LunaError):
    """The caller sent something that can never work; `param` is the path of the field."""

    code = "invalid_value"


class MissingField(BadRequest):
    """A required field is absent."""

    code = "missing_required_parameter"


class WrongType(BadRequest):
    """A field has a type that its meaning does not allow."""

    code = "invalid_type"


class ContextTooLong(BadRequest):
    """Prompt and answer do not fit the model's context; both counts are tokens, 0 if not known."""

    code = "context_length_exceeded"

    def __init__(self, message: str, *, prompt_tokens: int = 0, context: int = 0) -> None:
        super().__init__(message)
        self.prompt_tokens = prompt_tokens
        self.context = context


class BodyTooLarge(LunaError):
    """The request body is over the configured limit."""

    code = "request_too_large"


class Unsupported(BadRequest):
    """The request is right, but this model or engine cannot do it."""

    code = "unsupported_value"


class UpgradeRequired(BadRequest):
    """The path is a WebSocket's, and the request does not ask for one of a known version."""

    code = "upgrade_required"


class Forbidden(LunaError):
    """The request is right, but not from this caller."""

    code = "forbidden"


class UnknownHost(Forbidden):
    """The request was sent to a name that is not this server's."""

    code = "unknown_host"


class Unauthorized(LunaError):
    """The request needs an API key, and has none or not one that is known."""

    code = "invalid_api_key"


class NotFound(LunaError):
    """No such path, tool or record."""

    code = "not_found"


class MethodNotAllowed(LunaError):
    """The path exists, but not with this method; `allowed` lists those that work."""

    code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class ModelNotFound(LunaError):
    """The named model is not in the models folder and no fallback is configured."""

    code = "model_not_found"


class Retryable(LunaError):
    """It did not work now, but the same request may work in `retry_after` seconds."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Retryable):
    """The client has asked more often than it may."""

    code = "rate_limit_exceeded"


class ModelLoading(Retryable):
    """The model is being read from disk."""

    code = "model_loading"


class QueueFull(Retryable):
    """The model's queue holds as many requests as it may."""

    code = "queue_full"


class ShuttingDown(Retryable):
    """The server is on its way down and takes no new work."""

    code = "shutting_down"


class HubUnreachable(Retryable):
    """The hub that models come from cannot be reached, or has no time."""

    code = "hub_unreachable"


class HubFailed(LunaError):
    """The hub sent what makes no sense, or not the file that it had promised."""

    code = "hub_failed"


class EngineError(LunaError):
    """The engine failed during a request."""

    code = "engine_error"


class EngineDied(EngineError):
    """The engine's process ended in mid-request; the supervisor restarts it."""

    code = "engine_died"


class EngineTimeout(EngineError):
    """The engine gave no sign of life for longer than the prompt's length allows."""

    code = "engine_timeout"


class ModelLoadFailed(EngineError):
    """The model or its engine cannot be started; the message has the reason and the remedy."""

    code = "model_load_failed"


class ReadingUnavailable(LunaError):
    """This machine cannot give that reading: the load of an NPU on a laptop, for example."""

    code = "reading_unavailable"


class Cancelled(LunaError):
    """The caller went away or asked to stop; nobody is left to read the answer."""

    code = "cancelled"


class ConfigError(LunaError):
    """A setting is wrong; the message names the file, the key and what is allowed."""

    code = "config_error"


class StorageFailed(LunaError):
    """Something could not be read from the disk or written to it; the message has the reason."""

    code = "storage_failed"


class DiskFull(StorageFailed):
    """There is too little room on the disk for it."""

    code = "disk_full"
