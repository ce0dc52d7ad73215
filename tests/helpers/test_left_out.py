"""The plugin that lists skipped tests, run on small suites of its own."""

import pytest

SUITE = """
import pytest

@pytest.mark.needs("{need}")
def test_far():
    assert True

def test_near():
    assert True
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("LUNA_TEST_ALL", raising=False)
    # `-p` rather than a conftest: the suite lives in a folder of its own.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p tests.helpers.left_out")
    monkeypatch.setattr("tests.helpers.left_out.NEEDS", {"moon": lambda: "", "sun": lambda: "dark"})
    pytester.makeini("[pytest]\nmarkers = needs(*names): what it needs")
    return pytester


def test_a_skipped_test_is_listed_with_its_reason(suite: pytest.Pytester) -> None:
    suite.makepyfile(SUITE.format(need="sun"))
    result = suite.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["*= left out =*", "left out: 1 test: dark", "*1 passed, 1 skipped*"]
    )


def test_where_all_must_run_a_skip_fails_the_run(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_TEST_ALL", "1")
    suite.makepyfile(SUITE.format(need="sun"))
    result = suite.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["LUNA_TEST_ALL=1 forbids that*"])


def test_a_need_that_is_met_leaves_nothing_out(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_TEST_ALL", "1")
    suite.makepyfile(SUITE.format(need="moon"))
    result = suite.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*left out*")


def test_an_unknown_need_is_a_usage_error(suite: pytest.Pytester) -> None:
    suite.makepyfile(SUITE.format(need="stars"))
    result = suite.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no need is called 'stars'*"])
