from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Cancelled, Forbidden, HubFailed, HubUnreachable, NotFound
from appliance.models.hub.hub import Hub, is_repo
from tests.helpers.hub import FakeHub, Fault

WEIGHTS = bytes(range(256)) * 400


@pytest.fixture
def served() -> Iterator[FakeHub]:
    files = {"m-Q4_K_M.gguf": WEIGHTS, "a/b c.txt": b"hello", "README.md": b"# m"}
    with FakeHub({"ann/m": files}) as hub:
        yield hub


def read(hub: Hub, commit: str, path: str, start: int = 0, etag: str = "") -> tuple[int, bytes]:
    with hub.open("ann/m", commit, path, CancelToken(), start, etag) as answer:
        hub.refuse(answer, path)
        return answer.status, b"".join(answer.pieces())


def test_a_repository_is_told_with_sizes_and_checksums(served: FakeHub) -> None:
    found = Hub(served.url + "/").look("ann/m", CancelToken())
    assert (found.commit, found.likes, found.downloads) == (served.commit("ann/m"), 7, 99)
    files = {file.path: file for file in found.files}
    assert files["m-Q4_K_M.gguf"].size == len(WEIGHTS)
    assert len(files["m-Q4_K_M.gguf"].sha256) == 64
    hasher = files["a/b c.txt"].hasher()
    hasher.update(b"hello")
    assert files["a/b c.txt"].matches(hasher.hexdigest())
    assert not files["a/b c.txt"].matches("0" * 40)


def test_a_long_list_comes_in_pages(served: FakeHub) -> None:
    served.page = 1
    assert len(Hub(served.url).look("ann/m", CancelToken()).files) == 3


def test_a_file_comes_whole_or_from_a_byte_on(served: FakeHub) -> None:
    hub, commit = Hub(served.url), served.commit("ann/m")
    assert read(hub, commit, "a/b c.txt") == (200, b"hello")
    assert read(hub, commit, "m-Q4_K_M.gguf", 1000) == (206, WEIGHTS[1000:])
    assert read(hub, commit, "m-Q4_K_M.gguf", 1000, '"another"') == (200, WEIGHTS)


def test_the_token_goes_to_the_hub_alone(served: FakeHub) -> None:
    served.secret = "hf_secret"
    hub = Hub(served.url, token="hf_secret")
    commit = hub.look("ann/m", CancelToken()).commit
    assert read(hub, commit, "README.md")[0] == 200
    sent = {"cdn" in each.path: each.headers.get("authorization") for each in served.asked}
    assert sent == {False: "Bearer hf_secret", True: None}


@pytest.mark.parametrize("repo", ["ann/none", "ann", "../etc", "a/b/c", "ann/m?x", "a b/c", ""])
def test_what_is_not_there_is_not_found(served: FakeHub, repo: str) -> None:
    with pytest.raises(NotFound):
        Hub(served.url).look(repo, CancelToken())
    assert not any("?x" in each.path or ".." in each.path for each in served.asked)


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {}, NotFound),
        (401, {"X-Error-Code": "GatedRepo"}, Forbidden),
        (403, {}, Forbidden),
        (404, {}, NotFound),
        (429, {"Retry-After": "7"}, HubUnreachable),
        (500, {}, HubUnreachable),
        (302, {}, HubFailed),
    ],
)
def test_a_refusal_is_one_of_our_errors(
    served: FakeHub, status: int, headers: dict[str, str], error: type[Exception]
) -> None:
    served.faults.append(Fault(status=status, headers=headers))
    with pytest.raises(error) as raised:
        read(Hub(served.url), served.commit("ann/m"), "README.md")
    if status == 429:
        assert getattr(raised.value, "retry_after", 0) == 7


def test_a_redirect_in_a_circle_ends(served: FakeHub) -> None:
    place = f"http://localhost:{served.port}/cdn/ann/m/resolve/main/README.md"
    served.faults.extend([Fault(status=302, headers={"Location": place})] * 20)
    with pytest.raises(HubFailed, match="circle"):
        read(Hub(served.url), "main", "README.md")


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://x/y", "//[x"])
def test_a_redirect_out_of_the_web_is_refused(served: FakeHub, place: str) -> None:
    served.faults.append(Fault(status=302, headers={"Location": place}))
    with pytest.raises(HubFailed):
        read(Hub(served.url), "main", "README.md")


def test_no_hub_is_unreachable() -> None:
    with FakeHub({}) as hub:
        url = hub.url
    with pytest.raises(HubUnreachable, match="internet"):
        Hub(url).look("ann/m", CancelToken())
    for bad in ("nonsense", "http://", "http://a..b/", "http://[", "gopher://x"):
        with pytest.raises((HubFailed, HubUnreachable)):
            Hub(bad).look("ann/m", CancelToken())


def test_nonsense_from_the_hub_is_told_as_such() -> None:
    with FakeHub({"ann/m": {"x.gguf": b""}}) as served, pytest.raises(HubFailed):
        Hub(f"{served.url}/cdn/ann/m/resolve/main/x.gguf?").look("ann/m", CancelToken())


def test_a_silent_hub_is_given_up(served: FakeHub) -> None:
    hold = threading.Event()
    served.faults.append(Fault(cut=10, hold=hold))
    with pytest.raises(HubUnreachable, match="silent"):
        read(Hub(served.url, timeout=0.2), "main", "m-Q4_K_M.gguf")
    hold.set()


def test_cancelling_wakes_whoever_waits_for_the_hub(served: FakeHub) -> None:
    hold, cancel = threading.Event(), CancelToken()
    served.faults.append(Fault(cut=10, hold=hold))
    canceller = threading.Thread(target=cancel.cancel)

    def wait_for_more() -> None:
        with Hub(served.url).open("ann/m", "main", "m-Q4_K_M.gguf", cancel) as answer:
            for piece in answer.pieces():
                assert len(piece) == 10
                canceller.start()

    with pytest.raises(Cancelled):
        wait_for_more()
    canceller.join()
    hold.set()


@pytest.mark.parametrize(
    ("name", "good"), [("a/b", True), ("Qwen/Qwen3-0.6B-GGUF", True), ("a/..", False), ("a", False)]
)
def test_names_of_repositories(name: str, good: bool) -> None:
    assert is_repo(name) == good
