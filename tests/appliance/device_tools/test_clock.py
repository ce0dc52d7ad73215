from datetime import UTC, datetime, timedelta, timezone

import pytest

from appliance.device_tools import clock


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (
            datetime(2026, 11, 21, 14, 5, tzinfo=UTC),
            "It is 14:05 on Saturday, 21 November 2026 (UTC).",
        ),
        (
            datetime(2027, 1, 3, 0, 0, 59, tzinfo=timezone(timedelta(hours=1), "CET")),
            "It is 00:00 on Sunday, 3 January 2027 (CET).",
        ),
    ],
)
def test_the_time_is_said_in_words(now: datetime, sentence: str) -> None:
    assert clock._sentence(now) == sentence


def test_a_clock_that_was_never_set_is_not_believed() -> None:
    assert "not set" in clock._sentence(datetime(1970, 1, 1, 0, 7, tzinfo=UTC))


def test_the_time_is_now() -> None:
    before = datetime.now().astimezone()
    said = clock.get_current_time()
    assert said in {clock._sentence(before), clock._sentence(datetime.now().astimezone())}
