from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from appliance.observe import logbook


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, access = logging.getLogger(), logging.getLogger("luna.access")
    handlers, level, access_level = root.handlers[:], root.level, access.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    access.setLevel(access_level)


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize("access", [True, False])
def test_the_log_goes_to_stderr(
    capsys: pytest.CaptureFixture[str], verbose: bool, access: bool
) -> None:
    logbook.set_up(verbose=verbose, access=access)
    logging.getLogger("luna.access").info("a request")
    logging.getLogger("appliance.x").debug("a detail")
    logging.getLogger("appliance.x").warning("a warning")
    said = capsys.readouterr()
    assert ("a request" in said.err) is access
    assert ("a detail" in said.err) is verbose
    assert " W appliance.x: a warning" in said.err
    assert said.out == ""
