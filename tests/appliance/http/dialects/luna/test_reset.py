from __future__ import annotations

from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import MissingField, ReadingUnavailable, Retryable, WrongType
from appliance.http.dialects.luna.reset import ResetApi, routes
from appliance.http.exchange import Reply, Request
from appliance.serving.answer import Caller
from appliance.system.reset_mark import FILE, Reset, asked


def reset(folder: Path | None, body: bytes) -> Reply:
    (route,) = routes(ResetApi(folder))
    assert (route.access, route.changes) == ("admin", True)
    caller = Caller("127.0.0.1", "r", CancelToken())
    return route.handler(Request(route.method, route.path, caller, body=body))


@pytest.mark.parametrize(
    ("body", "models"), [(b'{"models": false}', False), (b'{"models": true}', True)]
)
def test_the_wish_is_kept_for_the_next_boot(tmp_path: Path, body: bytes, models: bool) -> None:
    assert reset(tmp_path, body).status == 202
    assert asked(tmp_path) == Reset(models)


def test_what_is_not_understood_resets_nothing(tmp_path: Path) -> None:
    with pytest.raises(WrongType):
        reset(tmp_path, b'{"models": "no"}')
    with pytest.raises(MissingField):
        reset(tmp_path, b"")
    assert asked(tmp_path) is None


def test_a_machine_that_is_no_device_forgets_nothing() -> None:
    with pytest.raises(ReadingUnavailable, match="not set up as an appliance"):
        reset(None, b'{"models": false}')


def test_a_wish_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(Retryable, match="could not be kept"):
        reset(tmp_path, b'{"models": true}')
