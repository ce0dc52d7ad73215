"""Talk to a Luna, and find one: `LunaClient` and `discover`."""

from .answers import (
    GenerateOptions,
    GenerateResponse,
    LoadModelResponse,
    LogsResponse,
    ModelDetailsResponse,
    ModelsResponse,
    ProfileResponse,
    StatusResponse,
)
from .client import LunaClient
from .discovery import Device, discover
from .errors import (
    ApiError,
    BadAnswer,
    ConnectionLost,
    DiscoveryFailed,
    LunaError,
    RateLimited,
    TimedOut,
    Unreachable,
)
from .retry import Retry
from .stream import TokenStream
from .version import VERSION as __version__

BrowserLLMClient = LunaClient
"""The name that the document of the Browser LLM API gives it."""

__all__ = [
    "ApiError",
    "BadAnswer",
    "BrowserLLMClient",
    "ConnectionLost",
    "Device",
    "DiscoveryFailed",
    "GenerateOptions",
    "GenerateResponse",
    "LoadModelResponse",
    "LogsResponse",
    "LunaClient",
    "LunaError",
    "ModelDetailsResponse",
    "ModelsResponse",
    "ProfileResponse",
    "RateLimited",
    "Retry",
    "StatusResponse",
    "TimedOut",
    "TokenStream",
    "Unreachable",
    "__version__",
    "discover",
]
