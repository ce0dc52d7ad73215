from __future__ import annotations

import json
from typing import get_args

import pytest

from appliance.errors import (
    BadRequest,
    ContextTooLong,
    EngineTimeout,
    LunaError,
    ModelLoadFailed,
    ModelLoading,
    ModelNotFound,
    QueueFull,
    ShuttingDown,
    StorageFailed,
)
from appliance.http.dialects.browserllm import answers
from appliance.http.dialects.browserllm.errors import code_of, shape
from tests.appliance.test_errors import every_error


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (BadRequest, "VALIDATION_ERROR"),
        (ContextTooLong, "VALIDATION_ERROR"),
        (ModelNotFound, "MODEL_NOT_LOADED"),
        (ModelLoading, "MODEL_NOT_LOADED"),
        (ModelLoadFailed, "MODEL_LOAD_FAILED"),
        (QueueFull, "RATE_LIMIT"),
        (ShuttingDown, "INFERENCE_ERROR"),
        (EngineTimeout, "INFERENCE_ERROR"),
        (StorageFailed, "STORAGE_ERROR"),
        (LunaError, "INTERNAL_ERROR"),
    ],
)
def test_codes(kind: type[LunaError], code: str) -> None:
    assert code_of(kind("No.")) == code


def test_every_error_has_a_code_of_the_document() -> None:
    for kind in every_error():
        assert code_of(kind.__new__(kind)) in get_args(answers.Code)


def test_the_frame() -> None:
    reply = shape(lambda: 1700000000.9).render(QueueFull("Later.", retry_after=3), "req_1")
    assert reply.status == 503
    assert reply.headers == (("Retry-After", "3"),)
    assert isinstance(reply.body, bytes)
    told = json.loads(reply.body)
    version = told["metadata"].pop("version")
    assert version
    assert told == {
        "success": False,
        "error": {
            "code": "RATE_LIMIT",
            "message": "Later.",
            "details": {"code": "queue_full", "param": None},
        },
        "metadata": {"requestId": "req_1", "timestamp": 1700000000},
    }
