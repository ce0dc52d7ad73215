from __future__ import annotations

from appliance.models.downloads.item import Download, Meter, Status


def test_a_speed_is_that_of_the_last_seconds() -> None:
    meter = Meter()
    assert meter.note(0.0, 0) == 0.0
    assert meter.note(1.0, 100) == 100.0
    for second in range(2, 20):
        speed = meter.note(float(second), second * 100)
    assert speed == 100.0
    for second in range(20, 30):
        speed = meter.note(float(second), 1900)
    assert speed == 0.0


def test_a_new_beginning_is_no_speed_below_zero() -> None:
    meter = Meter()
    meter.note(0.0, 1000)
    assert meter.note(1.0, 0) == 0.0
    assert meter.note(2.0, 50) == 50.0


def percent(status: Status, done: int, total: int) -> float:
    return Download("a/b", "c", status, total, done, 0.0, 0.0).percent


def test_progress_is_a_number_from_0_to_100() -> None:
    assert percent("downloading", 1, 4) == 25.0
    assert percent("queued", 0, 0) == 0.0
    assert percent("complete", 0, 0) == 100.0
