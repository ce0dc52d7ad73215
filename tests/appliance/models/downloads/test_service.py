from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import (
    BadRequest,
    HubUnreachable,
    NotFound,
    ShuttingDown,
    StorageFailed,
)
from appliance.models.downloads.area import Area
from appliance.models.hub.names import HubName
from appliance.models.hub.offers import Machine
from tests.appliance.models.downloads.fetching import FILE, REPO, SPLIT, House, repositories
from tests.helpers.hub import FakeHub, Fault
from tests.helpers.wire import eventually


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with FakeHub(repositories()) as hub:
        house = House(tmp_path, hub)
        house.begin()
        yield house
        house.close()


def held(house: House, after: int = 1000) -> threading.Event:
    """Have the next file stand still in the middle until the event is set."""
    hold = threading.Event()
    house.hub.faults.append(Fault(cut=after, hold=hold))
    return hold


def test_a_model_comes_and_can_be_used(house: House) -> None:
    item, new = house.downloads.enqueue(REPO, FILE)
    assert (new, item.status) == (True, "queued")
    done = house.until("complete")
    assert (done.percent, done.error, done.done) == (100.0, "", done.total)
    entry = house.registry.resolve("tiny-Q4_K_M")
    assert entry.usable
    for name in (FILE, REPO, f"hf.co/{REPO}:Q4_K_M", f"{REPO}:{FILE}"):
        assert house.registry.find(name) == entry
    assert house.hidden() == []


def test_what_is_here_is_not_fetched_again(house: House) -> None:
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    asked = len(house.hub.asked)
    item, new = house.downloads.enqueue(REPO, FILE)
    assert (item.status, new, len(house.hub.asked)) == ("complete", False, asked)


def test_a_file_that_no_engine_can_read_has_come_all_the_same(house: House) -> None:
    house.hub.repos["ann/odd"] = {"odd.gguf": b"no model"}
    house.downloads.enqueue("ann/odd", "odd.gguf")
    house.until("complete", "ann/odd", "odd.gguf")
    assert not house.registry.find("odd").usable
    assert house.downloads.enqueue("ann/odd", "odd.gguf")[1] is False
    house.downloads.reset("ann/odd", "odd.gguf")
    assert not (house.models / "odd").exists()


def test_all_parts_of_a_split_model_come(house: House) -> None:
    house.downloads.enqueue("ann/big", SPLIT[1])
    house.until("complete", "ann/big", SPLIT[0])
    there = sorted(path.name for path in (house.models / "big-Q8_0").iterdir())
    assert there == sorted([*SPLIT, "luna.toml"])
    assert house.registry.find("ann/big").id == "big-Q8_0"


def test_a_model_of_the_npu_brings_its_tokenizer(house: House) -> None:
    house.downloads.enqueue("ann/npu", "m-w8a8-rk3588.rkllm")
    house.until("complete", "ann/npu", "m-w8a8-rk3588.rkllm")
    folder = house.models / "m-w8a8-rk3588"
    assert (folder / "tokenizer.json").read_bytes() == b"{}"
    assert (folder / "1_Pooling" / "config.json").exists()


def test_cuts_are_gone_over_until_it_is_whole(house: House) -> None:
    house.hub.faults.extend([Fault(cut=50_000)] * 4 + [Fault(status=503), Fault(status=500)])
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    assert len(house.waits) == 6
    assert house.registry.find(FILE).usable


def test_a_hub_that_is_busy_is_asked_when_it_said(house: House) -> None:
    house.hub.faults.append(Fault(status=429, headers={"Retry-After": "17"}))
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    assert house.waits == [17.0]


def test_tries_come_to_an_end_and_asking_again_goes_on(house: House) -> None:
    house.hub.faults.append(Fault(cut=1000))
    house.hub.faults.extend([Fault(status=500)] * 9)
    house.downloads.enqueue(REPO, FILE)
    failed = house.until("error")
    assert "try again" in failed.error
    assert failed.done == 1000
    assert len(house.waits) == 9
    assert house.downloads.enqueue(REPO, FILE)[1]
    assert house.until("complete").error == ""
    assert "bytes=1000-" in [each.headers.get("range") for each in house.hub.contents()]


def test_a_wrong_checksum_is_an_error_and_shows_nothing(house: House) -> None:
    house.hub.faults.append(Fault(body=b"\1" * len(repositories()[REPO][FILE])))
    house.downloads.enqueue(REPO, FILE)
    assert "checksum" in house.until("error").error
    assert [path.name for path in house.models.iterdir()] == [".downloads"]


def test_what_was_damaged_while_it_waited_is_fetched_anew(house: House) -> None:
    house.hub.faults.append(Fault(cut=1000))
    house.hub.faults.extend([Fault(status=500)] * 9)
    house.downloads.enqueue(REPO, FILE)
    house.until("error")
    part = Area(house.models, REPO, FILE).part(0)
    part.write_bytes(b"\1" * 1000)
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")


@pytest.mark.parametrize(("repo", "file"), [("ann/none", "x.gguf"), (REPO, "x.gguf"), ("x", "y")])
def test_what_the_hub_does_not_have_is_not_found(house: House, repo: str, file: str) -> None:
    with pytest.raises(NotFound):
        house.downloads.enqueue(repo, file)
    assert house.downloads.items() == ()


def test_without_the_hub_nothing_is_asked_for(house: House, tmp_path: Path) -> None:
    with FakeHub({}) as gone:
        house.downloads.stop()
        house.hub = gone
    house.begin()
    with pytest.raises(HubUnreachable):
        house.downloads.enqueue(REPO, FILE)


def test_two_who_ask_at_once_get_one_download(house: House) -> None:
    hold = held(house)
    found: list[bool] = []
    askers = [
        threading.Thread(target=lambda: found.append(house.downloads.enqueue(REPO, FILE)[1]))
        for _ in range(8)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    hold.set()
    house.until("complete")
    assert sorted(found) == [False] * 7 + [True]
    assert len(house.hub.contents()) == 1


def test_only_so_many_run_at_once(house: House) -> None:
    house.downloads.stop()
    house.parallel = 1
    house.begin()
    hold = held(house)
    house.downloads.enqueue(REPO, FILE)
    house.downloads.enqueue("ann/npu", "m-w8a8-rk3588.rkllm")
    eventually(lambda: house.item().done == 1000)
    assert house.item("ann/npu", "m-w8a8-rk3588.rkllm").status == "queued"
    hold.set()
    house.until("complete", "ann/npu", "m-w8a8-rk3588.rkllm")


def test_progress_is_told_to_those_who_wait(house: House) -> None:
    seen = house.downloads.version
    hold = held(house)
    house.downloads.enqueue(REPO, FILE)
    later = house.downloads.wait(seen, 30)
    assert later > seen
    eventually(lambda: house.item().done == 1000)
    hold.set()
    house.until("complete")
    assert house.downloads.wait(later, 30) > later
    now = house.downloads.version
    assert house.downloads.wait(now, 0.01) == now


def test_a_cancelled_one_stops_and_can_be_taken_up_again(house: House) -> None:
    hold = held(house)
    house.downloads.enqueue(REPO, FILE)
    eventually(lambda: house.item().done == 1000)
    assert house.downloads.cancel(REPO, FILE).status == "cancelled"
    assert house.item().status == "cancelled"
    hold.set()
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    assert house.hub.contents()[-1].headers["range"] == "bytes=1000-"


def test_one_that_waits_is_cancelled_too(house: House) -> None:
    holds = [held(house), held(house)]
    house.downloads.enqueue(REPO, FILE)
    house.downloads.enqueue(REPO, "tiny-Q8_0.gguf")
    house.downloads.enqueue("ann/big", SPLIT[0])
    assert house.downloads.cancel("ann/big", SPLIT[0]).status == "cancelled"
    for hold in holds:
        hold.set()
    house.until("complete")
    house.until("complete", REPO, "tiny-Q8_0.gguf")
    assert house.item("ann/big", SPLIT[0]).status == "cancelled"


def test_a_reset_deletes_the_record_and_the_files(house: House) -> None:
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    entry = house.registry.find(FILE)
    assert house.downloads.reset(REPO, FILE).status == "complete"
    assert house.downloads.items() == ()
    assert not (house.models / "tiny-Q4_K_M").exists()
    assert house.gone == [entry]


def test_a_reset_in_the_middle_leaves_nothing_and_can_begin_again(house: House) -> None:
    hold = held(house)
    house.downloads.enqueue(REPO, FILE)
    eventually(lambda: house.item().done == 1000)
    house.downloads.reset(REPO, FILE)
    house.downloads.enqueue(REPO, FILE)
    hold.set()
    house.until("complete")
    assert house.hidden() == []


@pytest.mark.parametrize("action", ["cancel", "reset"])
def test_an_action_that_comes_too_late_leaves_no_contradiction(
    house: House, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    land = Area.land

    def late(area: Area, id: str, manifest: str) -> Path:
        getattr(house.downloads, action)(REPO, FILE)
        return land(area, id, manifest)

    monkeypatch.setattr(Area, "land", late)
    house.downloads.enqueue(REPO, FILE)
    if action == "cancel":
        house.until("complete")
    else:
        eventually(lambda: house.gone, "the end of the model")
        assert house.downloads.items() == ()
    assert (house.models / "tiny-Q4_K_M").exists() == (action == "cancel")


def test_what_is_not_known_can_be_neither_cancelled_nor_reset(house: House) -> None:
    for action in (house.downloads.cancel, house.downloads.reset):
        with pytest.raises(NotFound):
            action(REPO, FILE)


def test_a_disk_without_room_is_told_before_anything_comes(house: House) -> None:
    house.free = lambda: 10**6 + 1000
    house.downloads.enqueue(REPO, FILE)
    assert "Delete a model" in house.until("error").error
    assert house.hub.contents() == []


def test_a_deleted_model_is_no_longer_a_download(house: House) -> None:
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    house.registry.remove(house.registry.find(FILE))
    assert house.downloads.items() == ()
    assert house.downloads.enqueue(REPO, FILE)[1]
    house.until("complete")


def test_a_model_whose_record_was_lost_is_known_by_its_folder(house: House) -> None:
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    house.close()
    house.database.path.unlink()
    house.begin()
    item, new = house.downloads.enqueue(REPO, FILE)
    assert (item.status, new) == ("complete", False)


def test_another_model_of_that_name_is_not_replaced(house: House) -> None:
    (house.models / "tiny-Q4_K_M").mkdir()
    (house.models / "tiny-Q4_K_M" / "own.gguf").write_bytes(b"mine")
    house.downloads.enqueue(REPO, FILE)
    house.until("complete")
    assert house.registry.find(FILE).id == "ann.tiny-Q4_K_M"
    assert (house.models / "tiny-Q4_K_M" / "own.gguf").read_bytes() == b"mine"


def test_the_best_is_picked_and_named(house: House) -> None:
    offer, item, new = house.downloads.pick(HubName(REPO), Machine(16 * 10**9))
    assert (offer.quantisation, item.file, new) == ("Q4_K_M", FILE, True)
    house.until("complete")
    assert not house.downloads.pick(HubName(REPO, "q4_k_m"), Machine())[2]
    with pytest.raises(BadRequest):
        house.downloads.pick(HubName("ann/npu"), Machine())


def test_a_database_that_cannot_be_written_refuses_the_wish(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.database.close()
    house.database.path.unlink()
    house.database.path.mkdir()
    with pytest.raises(StorageFailed):
        house.downloads.enqueue(REPO, FILE)
    assert house.downloads.items() == ()


def test_after_the_end_nothing_begins(house: House) -> None:
    house.downloads.stop()
    with pytest.raises(ShuttingDown):
        house.downloads.enqueue(REPO, FILE)
