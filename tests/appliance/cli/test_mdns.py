import os
import sys

import pytest

from appliance.cli.main import main


class Became(Exception):
    """This process would be another one now."""


def test_it_becomes_the_small_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(program: str, words: list[str]) -> None:
        raise Became(program, *words)

    monkeypatch.setattr(os, "execv", become)
    with pytest.raises(Became) as became:
        main(["mdns", "--name", "My Kitchen", "--port", "9000"])
    expected = ("-m", "appliance.mdns", "--name=My Kitchen", "--port=9000")
    assert became.value.args == (sys.executable, sys.executable, *expected)
