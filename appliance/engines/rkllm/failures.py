"""What can go wrong at the vendor's library, on top of the errors that every engine has."""

from __future__ import annotations

from appliance.errors import EngineError, ModelLoadFailed


class LibraryRefused(ModelLoadFailed):
    """The runtime library is missing, is none, or has a version that Luna does not speak."""


class DriverRefused(ModelLoadFailed):
    """The NPU's kernel driver is too old for the runtime."""


class InitFailed(ModelLoadFailed):
    """rkllm_init did not give a working model; the reason stands in the library's own output."""


class RunFailed(EngineError):
    """A run ended with an error, or without saying that it has finished."""


class CallFailed(EngineError):
    """Another function of the library refused; nothing has changed."""


class StartFailed(EngineError):
    """A run could not begin with what was computed before; it can from the very beginning."""
