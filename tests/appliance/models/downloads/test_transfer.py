from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Cancelled, DiskFull, HubFailed, HubUnreachable, NotFound, StorageFailed
from appliance.models.downloads import transfer
from appliance.models.downloads.area import disk_errors
from appliance.models.downloads.transfer import Source, Transfer, WrongContent
from appliance.models.hub.hub import Hub
from appliance.models.hub.repository import RemoteFile
from tests.helpers.hub import FakeHub, Fault

DATA = bytes(range(256)) * 40
FILE = RemoteFile("m.gguf", len(DATA), sha256=hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def served() -> Iterator[FakeHub]:
    with FakeHub({"ann/m": {"m.gguf": DATA}}) as hub:
        yield hub


def run(served: FakeHub, part: Path, file: RemoteFile = FILE) -> list[int]:
    noted: list[int] = []
    source = Source(Hub(served.url), "ann/m", served.commit("ann/m"), file)
    Transfer(source, part, CancelToken(), noted.append, lambda: True).run()
    return noted


def cut(served: FakeHub, part: Path, after: int) -> None:
    served.faults.append(Fault(cut=after))
    with pytest.raises(HubUnreachable):
        run(served, part)


def test_a_file_comes_whole(served: FakeHub, tmp_path: Path) -> None:
    noted = run(served, tmp_path / "0.part")
    assert (tmp_path / "0.part").read_bytes() == DATA
    assert noted[0] == 0
    assert noted[-1] == len(DATA)


@pytest.mark.parametrize("after", [0, 1, 255, 5000, len(DATA) - 1])
def test_it_goes_on_where_it_was_cut(served: FakeHub, tmp_path: Path, after: int) -> None:
    part = tmp_path / "0.part"
    cut(served, part, after)
    assert part.stat().st_size == after
    run(served, part)
    assert part.read_bytes() == DATA
    last = served.contents()[-1].headers
    assert last.get("range") == (f"bytes={after}-" if after else None)
    assert ("if-range" in last) == bool(after)


def test_it_can_be_cut_many_times(served: FakeHub, tmp_path: Path) -> None:
    part = tmp_path / "0.part"
    for _ in range(5):
        cut(served, part, 1000)
    assert run(served, part)[0] == 5000
    assert part.read_bytes() == DATA


def test_a_hub_without_ranges_begins_anew(served: FakeHub, tmp_path: Path) -> None:
    part = tmp_path / "0.part"
    cut(served, part, 3000)
    served.ranges = False
    run(served, part)
    assert part.read_bytes() == DATA


def test_a_hub_without_etags_is_asked_for_the_rest_all_the_same(
    served: FakeHub, tmp_path: Path
) -> None:
    served.etags = False
    part = tmp_path / "0.part"
    cut(served, part, 3000)
    run(served, part)
    assert part.read_bytes() == DATA
    assert "if-range" not in served.contents()[-1].headers


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(
    served: FakeHub, tmp_path: Path
) -> None:
    part, new = tmp_path / "0.part", bytes(reversed(DATA))
    cut(served, part, 3000)
    served.repos["ann/m"]["m.gguf"] = new
    run(served, part, RemoteFile("m.gguf", len(new), hashlib.sha256(new).hexdigest()))
    assert part.read_bytes() == new


def test_wrong_content_is_deleted(served: FakeHub, tmp_path: Path) -> None:
    part = tmp_path / "0.part"
    served.faults.append(Fault(body=b"\0" * len(DATA)))
    with pytest.raises(WrongContent) as whole:
        run(served, part)
    assert not whole.value.resumed
    assert not part.exists()
    (tmp_path / "0.etag").unlink()
    part.write_bytes(b"\0" * 100)
    with pytest.raises(WrongContent) as resumed:
        run(served, part)
    assert resumed.value.resumed


@pytest.mark.parametrize("there", [len(DATA), len(DATA) + 1, 10**6])
def test_more_than_the_file_cannot_be_part_of_it(
    served: FakeHub, tmp_path: Path, there: int
) -> None:
    part = tmp_path / "0.part"
    part.write_bytes((DATA * 100)[:there])
    run(served, part)
    assert part.read_bytes() == DATA
    assert bool(served.contents()) == (there > len(DATA))


def test_a_body_that_is_too_long_is_refused(served: FakeHub, tmp_path: Path) -> None:
    served.faults.append(Fault(body=DATA + b"more"))
    with pytest.raises(HubFailed, match="longer"):
        run(served, tmp_path / "0.part")
    assert (tmp_path / "0.part").stat().st_size <= len(DATA)


def test_an_empty_file_is_a_file(served: FakeHub, tmp_path: Path) -> None:
    empty = RemoteFile("e.json", 0, git="e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    run(served, tmp_path / "0.part", empty)
    assert (tmp_path / "0.part").read_bytes() == b""


def test_a_range_that_was_not_asked_for_is_not_used(served: FakeHub, tmp_path: Path) -> None:
    part = tmp_path / "0.part"
    part.write_bytes(DATA[:100])
    served.faults.append(Fault(status=206, headers={"Content-Range": "bytes 5-9/10"}))
    with pytest.raises(HubUnreachable):
        run(served, part)
    run(served, part)
    assert part.read_bytes() == DATA


def test_a_file_that_is_gone_is_told(served: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run(served, tmp_path / "0.part", RemoteFile("none.gguf", 5))


def test_garbage_beside_the_part_is_no_version(served: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "0.part").write_bytes(DATA[:100])
    (tmp_path / "0.etag").write_bytes(b'"a"\r\nX: \xff\0')
    run(served, tmp_path / "0.part")
    assert (tmp_path / "0.part").read_bytes() == DATA


def test_cancelling_ends_it_and_keeps_what_came(served: FakeHub, tmp_path: Path) -> None:
    cancel = CancelToken()
    source = Source(Hub(served.url), "ann/m", "main", FILE)
    served.faults.append(Fault(cut=4000))

    def note(done: int) -> None:
        if done:
            cancel.cancel()

    with pytest.raises(Cancelled):
        Transfer(source, tmp_path / "0.part", cancel, note, lambda: True).run()
    assert (tmp_path / "0.part").stat().st_size == 4000


def test_a_folder_that_is_gone_is_a_failure_of_the_disk(served: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        run(served, tmp_path / "none" / "0.part")


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="delete"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_ends_it(served: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "0.part").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        run(served, tmp_path / "0.part")


def test_room_is_looked_for_on_the_way(
    served: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_SYNC_BYTES", 1000)
    source = Source(Hub(served.url), "ann/m", "main", FILE)
    served.faults.append(Fault(cut=1000))
    with pytest.raises(DiskFull, match="nearly"):
        Transfer(source, tmp_path / "0.part", CancelToken(), lambda n: None, lambda: False).run()
    assert (tmp_path / "0.part").stat().st_size >= 1000
