from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Retryable
from appliance.models.downloads.area import Area
from appliance.models.downloads.job import Job
from appliance.models.downloads.plan import make_plan
from appliance.models.hub.hub import Hub
from appliance.models.hub.offers import offers
from appliance.store.downloads import DownloadRow, DownloadRows
from tests.appliance.models.downloads.fetching import FILE, REPO, SPLIT, House, repositories
from tests.helpers.hub import FakeHub, Fault
from tests.helpers.wire import eventually


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with FakeHub(repositories()) as hub:
        house = House(tmp_path, hub)
        yield house
        house.close()


def statuses(house: House) -> dict[str, str]:
    return {row.file: row.status for row in DownloadRows(house.database).all()}


def stop_in_the_middle(house: House, repo: str = REPO, file: str = FILE, after: int = 1000) -> None:
    house.begin()
    hold = threading.Event()
    house.hub.faults.append(Fault(cut=after, hold=hold))
    house.downloads.enqueue(repo, file)
    eventually(lambda: house.item(repo, file).done == after)
    house.downloads.stop()
    hold.set()


def test_it_goes_on_after_a_restart(house: House) -> None:
    stop_in_the_middle(house)
    assert statuses(house) == {FILE: "downloading"}
    house.begin()
    house.until("complete")
    asked = house.hub.contents()[-1].headers
    assert asked["range"] == "bytes=1000-"
    assert "if-range" in asked


def test_parts_that_are_whole_are_not_fetched_again(house: House) -> None:
    house.begin()
    hold = threading.Event()
    house.hub.faults.extend([Fault(), Fault(cut=3, hold=hold)])
    house.downloads.enqueue("ann/big", SPLIT[0])
    total = len(repositories()["ann/big"][SPLIT[0]]) + 3
    eventually(lambda: house.item("ann/big", SPLIT[0]).done == total)
    house.downloads.stop()
    hold.set()
    house.hub.asked.clear()
    house.begin()
    house.until("complete", "ann/big", SPLIT[0])
    assert [each.path.rpartition("/")[2] for each in house.hub.contents()] == SPLIT[1:]


def test_a_failed_one_is_tried_again_by_a_restart(house: House) -> None:
    house.begin()
    house.hub.faults.append(Fault(status=404))
    house.downloads.enqueue(REPO, FILE)
    house.until("error")
    house.downloads.stop()
    house.begin()
    house.until("complete")


def test_a_cancelled_one_and_its_files_are_gone_after_a_restart(house: House) -> None:
    stop_in_the_middle(house)
    house.make()
    house.parallel = 0
    house.make().start()
    house.downloads.cancel(REPO, FILE)
    house.downloads.stop()
    house.parallel = 2
    assert house.hidden() != []
    house.begin()
    assert house.downloads.items() == ()
    assert statuses(house) == {}
    assert house.hidden() == []


def test_one_whose_model_came_before_the_power_went_is_complete(house: House) -> None:
    house.begin().enqueue(REPO, FILE)
    done = house.until("complete")
    house.downloads.stop()
    rows = DownloadRows(house.database)
    (row,) = rows.all()
    rows.put(DownloadRow(REPO, FILE, "downloading", row.plan, "", row.created, row.updated))
    house.hub.asked.clear()
    house.begin()
    assert house.item().status == "complete"
    assert house.item().done == done.total
    assert house.hub.asked == []


def test_places_that_belong_to_nobody_are_swept_away(house: House) -> None:
    Area(house.models, "x/y", "gone.gguf").model.mkdir(parents=True)
    house.begin()
    assert house.hidden() == []


def test_a_record_that_makes_no_sense_is_forgotten(house: House) -> None:
    rows = DownloadRows(house.database)
    rows.put(DownloadRow("a/b", "c.gguf", "queued", "{", "", 0.0, 0.0))
    house.begin()
    assert rows.all() == ()


def test_two_processes_do_not_fetch_into_one_place(house: House) -> None:
    repository = Hub(house.hub.url).look(REPO, CancelToken())
    offer = next(offer for offer in offers(repository) if offer.file == FILE)
    job = Job(make_plan(repository, offer), house.means(), CancelToken(), lambda done: None)
    with Area(house.models, REPO, FILE).held():
        with pytest.raises(Retryable, match="Another process"):
            job.run()
        house.begin()
        assert house.hidden() != []  # it is not swept away either
    assert job.run() == house.models / "tiny-Q4_K_M"


def test_the_order_of_waiting_ones_survives(house: House) -> None:
    house.parallel = 0
    house.begin()
    for file in (FILE, "tiny-Q8_0.gguf"):
        house.downloads.enqueue(REPO, file)
    house.downloads.enqueue("ann/npu", "m-w8a8-rk3588.rkllm")
    house.downloads.stop()
    house.begin()
    files = [item.file for item in house.downloads.items()]
    assert files == [FILE, "tiny-Q8_0.gguf", "m-w8a8-rk3588.rkllm"]
