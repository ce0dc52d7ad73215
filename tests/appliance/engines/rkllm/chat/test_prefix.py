from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.engines.rkllm.chat.prefix import Build, Plan, PrefixStore
from appliance.engines.rkllm.chat.prefixfiles import Identity, PrefixFiles

Tokens = tuple[int, ...]
ONE, OTHER = Identity("one", "1.3.0"), Identity("one", "1.3.0", lora="x")
IDENTITIES = st.sampled_from([ONE, ONE, ONE, OTHER])
TOKENS = st.lists(st.integers(1, 2), min_size=1, max_size=6).map(tuple)
SIZE = 10  # bytes of a state file for each token
BUDGET = 100


def state(identity: Identity, tokens: Tokens) -> bytes:
    return repr((identity.lora, tokens)).encode().ljust(SIZE * len(tokens), b".")


class Machine(RuleBasedStateMachine):
    """A store, a runtime that does what plans say, and a model of what must be on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = itertools.count(1_000_000_000)
        self.memory: tuple[Identity, Tokens] | None = None
        self.trusted = False  # whether the store was told what the memory holds
        self.seen: dict[tuple[Identity, Tokens], int] = {}
        self.kept: dict[tuple[Identity, Tokens], int] = {}  # files and when they were used last
        self.start()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def start(self) -> None:
        self.files = PrefixFiles(self.folder, BUDGET, lambda: float(next(self.now)))
        self.store = PrefixStore(self.files, least_tokens=2, idle=0.0)

    @rule()
    def restart(self) -> None:
        self.start()
        self.memory, self.trusted = None, False
        self.seen.clear()

    @rule(
        data=st.data(), identity=IDENTITIES, more=TOKENS, generated=TOKENS, ends=st.booleans(),
        cut=st.integers(0, 1),
    )  # fmt: skip
    def run(
        self, data: st.DataObject, identity: Identity, more: Tokens, generated: Tokens, ends: bool,
        cut: int,
    ) -> None:  # fmt: skip
        """Of prompts many begin with what the memory holds, or with what a file has."""
        begins: list[Tokens] = [(), *sorted({prefix for _, prefix in self.kept})]
        if self.memory is not None:
            begins += [self.memory[1]] * 3
        tokens = data.draw(st.sampled_from(begins)) + more
        files = [
            (len(prefix), prefix)
            for who, prefix in self.kept
            if who == identity and len(prefix) < len(tokens) and tokens[: len(prefix)] == prefix
        ]
        length, best = max(files, default=(0, ()))
        resumable = 0
        if self.memory is not None and self.trusted and self.memory[0] == identity:
            held = self.memory[1]
            resumable = len(held) if held == tokens[: len(held)] and held != tokens else 0
        plan = self.store.plan(identity, tokens)
        assert plan.reused == max(length, resumable)
        assert plan.resumes == (0 < plan.reused == resumable)
        if files:
            self.kept[identity, best] = next(self.now)
        if plan.cache is not None:
            assert plan.cache.read_bytes() == state(identity, tokens[: plan.reused])
        self.memory = (identity, tokens + generated[: len(generated) - cut])
        self.trusted = ends
        if ends:
            self.store.ran(identity, tokens, generated, len(self.memory[1]))

    @rule(identity=IDENTITIES, prefix=TOKENS, times=st.integers(1, 3))
    def see(self, identity: Identity, prefix: Tokens, times: int) -> None:
        for _ in range(times):
            self.store.saw(identity, prefix)
            if len(prefix) >= 2 and (identity, prefix) not in self.kept:
                self.seen[identity, prefix] = self.seen.get((identity, prefix), 0) + 1

    @rule(identity=IDENTITIES, prefix=TOKENS)
    def keep(self, identity: Identity, prefix: Tokens) -> None:
        self.see(identity, prefix, 2)
        self.build(works=True)

    @rule(works=st.booleans())
    def build(self, works: bool) -> None:
        build = self.store.to_build()
        ready = {key for key, uses in self.seen.items() if uses >= 2 and key not in self.kept}
        assert (build is not None) == bool(ready)
        if build is None:
            return
        key = (build.identity, build.tokens)
        assert key in ready
        del self.seen[key]
        self.memory, self.trusted = None, False
        if not works:
            self.store.not_built(build)
            return
        build.path.write_bytes(state(*key))
        assert self.store.built(build)
        while sum(SIZE * len(tokens) for _, tokens in [*self.kept, key]) > BUDGET:
            del self.kept[min(self.kept, key=lambda each: self.kept[each])]
        self.kept[key] = next(self.now)

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), damage=st.sampled_from(["other", "shorter", "gone"]))
    def damage(self, data: st.DataObject, damage: str) -> None:
        """A file is damaged while nothing runs; the content is checked at the first use."""
        key = data.draw(st.sampled_from(sorted(self.kept, key=repr)))
        path = self.files.place(*key).with_suffix(".cache")
        if damage == "other":
            path.write_bytes(b"x" * SIZE * len(key[1]))
        elif damage == "shorter":
            path.write_bytes(b"x")
        else:
            path.unlink()
        del self.kept[key]
        self.restart()
        # The next prompt that would use it finds out; only then is its place free again.
        self.store.plan(key[0], (*key[1], 0))
        self.refresh()

    def refresh(self) -> None:
        """That prompt used other files too."""
        for key in self.kept:
            path = self.files.place(*key).with_suffix(".cache")
            self.kept[key] = int(path.stat().st_mtime)

    @invariant()
    def the_disk_holds_what_it_may(self) -> None:
        caches = {path.read_bytes() for path in self.folder.glob("*.cache")}
        assert caches == {state(*key) for key in self.kept}
        assert sum(map(len, caches)) <= BUDGET
        assert len(list(self.folder.iterdir())) == 2 * len(caches)


Machine.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestPrefixStore = Machine.TestCase


def store_at(folder: Path, clock: list[float]) -> PrefixStore:
    files = PrefixFiles(folder, 10**6)
    return PrefixStore(files, least_tokens=2, least_uses=1, idle=20.0, clock=lambda: clock[0])


def keep(store: PrefixStore) -> Path:
    build = store.to_build()
    assert build is not None
    build.path.write_bytes(b"state")
    assert store.built(build)
    return build.path.with_suffix(".cache")


def test_the_longer_of_memory_and_file_is_used(tmp_path: Path) -> None:
    clock = [0.0]
    store = store_at(tmp_path, clock)
    store.saw(ONE, (1, 2))
    clock[0] = 20.0
    path = keep(store)
    for prompt, generated, after, plan in [
        ((1, 2, 3), (4,), (1, 2, 3, 4, 5), Plan(4)),
        ((1, 2, 3), (4,), (1, 2, 4), Plan(2, path)),
        ((1,), (), (1, 2, 3), Plan(2, path)),
        ((1,), (2,), (1, 2, 3), Plan(2)),
        ((2,), (), (1, 2), Plan()),
    ]:
        store.ran(ONE, prompt, generated, len(prompt) + len(generated))
        assert store.plan(ONE, after) == plan


def test_files_are_made_when_nothing_has_run_for_a_while(tmp_path: Path) -> None:
    clock = [0.0]
    store = store_at(tmp_path, clock)
    store.plan(ONE, (1, 2, 3))
    clock[0] = 100.0
    store.ran(ONE, (1, 2, 3), (4,), 4)
    store.saw(ONE, (1, 2))
    clock[0] = 119.0
    assert store.to_build() is None
    clock[0] = 120.0
    assert store.to_build() == Build(ONE, (1, 2), PrefixFiles(tmp_path, 1).place(ONE, (1, 2)))
    assert store.plan(ONE, (1, 2, 3, 4, 5)) == Plan()  # making it has used the memory


def test_a_count_that_is_not_understood_is_not_trusted(tmp_path: Path) -> None:
    for size, reused in [(2, 0), (3, 3), (4, 4), (5, 0), (0, 0)]:
        store = store_at(tmp_path, [0.0])
        store.ran(ONE, (1, 2, 3), (4,), size)
        assert store.plan(ONE, (1, 2, 3, 4, 5)) == Plan(reused)


def test_a_process_that_is_new_holds_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path, [0.0])
    store.ran(ONE, (1,), (2,), 2)
    store.forget()
    assert store.plan(ONE, (1, 2, 3)) == Plan()


def test_a_file_that_the_runtime_refuses_is_not_offered_again(tmp_path: Path) -> None:
    clock = [0.0]
    store = store_at(tmp_path, clock)
    store.saw(ONE, (1, 2))
    clock[0] = 20.0
    keep(store)
    plan = store.plan(ONE, (1, 2, 3))
    assert plan.reused == 2
    store.refused(plan)
    store.refused(Plan())
    assert store.plan(ONE, (1, 2, 3)) == Plan()


def test_what_cannot_be_kept_is_not_tried_again(tmp_path: Path) -> None:
    clock = [0.0]
    store = store_at(tmp_path, clock)
    for kept in (False, None):
        store.saw(ONE, (1, 2))
        clock[0] += 20.0
        build = store.to_build()
        assert (build is None) == (kept is None)
        if build is not None:
            assert store.built(build) is kept  # nothing was written


def test_candidates_are_forgotten_in_time(tmp_path: Path) -> None:
    clock = [0.0]
    store = store_at(tmp_path, clock)
    for token in range(100):
        store.saw(ONE, (token, 0))
    clock[0] = 20.0
    builds = [build.tokens[0] for _ in range(100) if (build := store.to_build())]
    assert sorted(builds) == list(range(68, 100))
