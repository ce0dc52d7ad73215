from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.model_size import required_bytes
from appliance.errors import ModelLoading
from appliance.models.folder import Entry
from appliance.serving.room import Limits, leaving

GIB = 2**30


@dataclass(eq=False)
class Tenant:
    entry: Entry
    used: float = 0.0
    users: int = 0


def entry(name: str, size: int = GIB) -> Entry:
    return Entry(name, Path(f"/{name}.gguf"), size, 0.0)


def test_nothing_leaves_where_there_is_room() -> None:
    held = [Tenant(entry("a"))]
    assert leaving(entry("b"), held, frozenset(), Limits(2, math.inf)) == []


def test_whoever_was_unused_for_longest_leaves_until_the_bytes_suffice() -> None:
    held = [Tenant(entry("new"), used=3), Tenant(entry("old"), used=1), Tenant(entry("mid"), 2)]
    limit = Limits(9, required_bytes(2 * GIB) + required_bytes(GIB))
    gone = leaving(entry("big", 2 * GIB), held, frozenset(), limit)
    assert [each.entry.id for each in gone] == ["old", "mid"]


def test_a_model_larger_than_all_memory_is_tried_alone() -> None:
    held = [Tenant(entry("a")), Tenant(entry("b"))]
    assert len(leaving(entry("huge", 99 * GIB), held, frozenset(), Limits(4, GIB))) == 2


def test_pinned_models_stay_and_the_error_names_the_setting() -> None:
    held = [Tenant(entry("pinned")), Tenant(entry("busy"), users=1)]
    with pytest.raises(ModelLoading, match="busy"):
        leaving(entry("b"), held, frozenset({"pinned"}), Limits(2, math.inf))
    with pytest.raises(ModelLoading, match=r"models\.pinned"):
        leaving(entry("b"), held[:1], frozenset({"pinned"}), Limits(1, math.inf))


@given(
    sizes=st.lists(st.integers(0, 8 * GIB), max_size=6),
    users=st.lists(st.integers(0, 1), min_size=6, max_size=6),
    wanted=st.integers(0, 8 * GIB),
    limits=st.builds(Limits, st.integers(1, 6), st.integers(0, 40 * GIB)),
)
def test_what_stays_fits_or_nothing_stays_and_who_is_used_never_leaves(
    sizes: list[int], users: list[int], wanted: int, limits: Limits
) -> None:
    held = [Tenant(entry(str(i), size), used=i, users=users[i]) for i, size in enumerate(sizes)]
    try:
        gone = leaving(entry("wanted", wanted), held, frozenset(), limits)
    except ModelLoading:
        assert any(each.users for each in held)
        return
    assert not any(each.users for each in gone)
    stays = [each for each in held if each not in gone]
    if stays:
        assert len(stays) < limits.models
        needed = sum(required_bytes(each.entry.size_bytes) for each in stays)
        assert needed + required_bytes(wanted) <= limits.bytes
