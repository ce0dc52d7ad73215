from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from appliance.watchdog.ledger import FILE, Incident, Ledger, read, save

HOUR = 3600.0
WHOLE = Ledger(
    boot="b1",
    reboot_from=7.5,
    share=0.6,
    state="ill",
    counts={"npu_hung": 2},
    incidents=(Incident("npu_hung", "2026-11-21T10:00:00+00:00", 12.5, "No.", "m", ("abort",)),),
)


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    save(tmp_path / "new", WHOLE)
    assert read(tmp_path / "new") == WHOLE
    save(tmp_path / "new", Ledger())
    assert read(tmp_path / "new") == Ledger()
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b'{"counts": 3}'])
def test_what_cannot_be_read_is_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert read(tmp_path) is None


@given(st.binary())
def test_any_file_is_a_ledger_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / FILE).write_bytes(content)
    assert read(folder) is None or content.strip()


def test_a_place_where_nothing_can_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        save(tmp_path / "file", WHOLE)


@pytest.mark.parametrize(
    ("ledger", "boot", "reboot_from"),
    [
        (Ledger("b1", 0.0), "b1", 0.0),
        (Ledger("b1", 5000.0), "b1", 5000.0),
        (Ledger("b1", 0.0), "b2", 0.0),
        (Ledger("b1", 5000.0), "b2", HOUR),
        (Ledger(), "b1", HOUR),
        (Ledger("b1", 0.0), "", 0.0),
        (Ledger("", 0.0), "", HOUR),
    ],
)
def test_from_when_on_a_reboot_is_allowed(ledger: Ledger, boot: str, reboot_from: float) -> None:
    assert ledger.in_boot(boot, HOUR) == structs.replace(ledger, boot=boot, reboot_from=reboot_from)


def test_the_clock_of_the_npu_is_free_again_after_a_boot() -> None:
    assert WHOLE.in_boot("b1", HOUR).share == 0.6
    assert WHOLE.in_boot("b2", HOUR).share == 1.0


boots = st.lists(
    st.tuples(
        st.floats(1.0, 9000.0),  # how long it lasts, if nobody ends it
        st.booleans(),  # whether the machine wants to be rebooted all the time
        st.booleans(),  # whether the memory is there in the next boot
    ),
    max_size=20,
)


@given(boots)
def test_reboots_are_an_hour_apart_whatever_becomes_of_the_memory(
    lives: list[tuple[float, bool, bool]],
) -> None:
    """A small copy of what the watchdog does, over many boots."""
    disk: Ledger | None = None
    now = 0.0
    reboots = []
    for number, (life, sick, kept) in enumerate(lives):
        ledger = (disk or Ledger()).in_boot(f"boot {number}", HOUR)
        allowed_at = ledger.reboot_from
        if sick and life >= allowed_at:
            end = allowed_at + 1.0
            ledger = structs.replace(ledger, reboot_from=end + HOUR)
            reboots.append(now + end)
        else:
            end = life
            if life >= allowed_at:
                ledger = structs.replace(ledger, reboot_from=0.0)
        now += end
        disk = ledger if kept else None
    assert all(later - earlier >= HOUR for earlier, later in pairwise(reboots))
