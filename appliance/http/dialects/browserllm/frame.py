"""The frame around every answer of this API."""

from __future__ import annotations

from typing import TypeVar

from appliance import __version__
from appliance.http.dialects.browserllm import answers

Data = TypeVar("Data")


def metadata(request_id: str, now: float) -> answers.BrowserLlmMetadata:
    """Who asked, when (Unix seconds), and what answers."""
    return answers.BrowserLlmMetadata(request_id, int(now), __version__)


def success(data: Data, request_id: str, now: float) -> answers.BrowserLlmSuccess[Data]:
    """The frame of what went well."""
    return answers.BrowserLlmSuccess(data=data, metadata=metadata(request_id, now))
