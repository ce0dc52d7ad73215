from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.events import Content, Reasoning
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter, opens_reasoning


def split(pieces: Sequence[str], *, opened: bool = False, keep: bool = False) -> tuple[str, str]:
    """Thoughts and content; thoughts come first."""
    splitter = ReasoningSplitter(opened=opened, keep=keep)
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.finish()
    kinds = [isinstance(event, Content) for event in events]
    assert kinds == sorted(kinds)
    assert all(event.text for event in events)
    thoughts = (event.text for event in events if isinstance(event, Reasoning))
    return "".join(thoughts), "".join(e.text for e in events if isinstance(e, Content))


@pytest.mark.parametrize(
    ("text", "opened", "expected"),
    [
        ("<think>\nhm, so\n</think>\n\nYes.", False, ("hm, so", "Yes.")),
        (" \n<think>hm</think>Yes.\n", False, ("hm", "Yes.\n")),
        ("hm\n</think>\n\nYes.", True, ("hm", "Yes.")),
        ("<think>\n\n</think>\n\nYes.", False, ("", "Yes.")),
        ("<think>hm < a </ thi", False, ("hm < a </ thi", "")),
        ("<think>hm </thi", False, ("hm </thi", "")),
        ("hm \n", True, ("hm", "")),
        ("\n<think>\nhm</think>a", True, ("hm", "a")),
        (" <thi", True, ("<thi", "")),
        ("<think>", False, ("", "")),
        ("<think>a</think>", False, ("a", "")),
        ("Yes.", False, ("", "Yes.")),
        ("\n Yes <think>hm</think>", False, ("", "\n Yes <think>hm</think>")),
        ("<thin", False, ("", "<thin")),
        ("<thinking>", False, ("", "<thinking>")),
        ("  ", False, ("", "  ")),
        ("", True, ("", "")),
        ("<think>a</think>b</think>c", False, ("a", "b</think>c")),
    ],
)
def test_thoughts_are_split_off(text: str, opened: bool, expected: tuple[str, str]) -> None:
    assert split([text], opened=opened) == expected
    assert split(list(text), opened=opened) == expected


@pytest.mark.parametrize("text", ["<think>\nhm\n</think>\n\nYes.", "<thi", "", "\n\n Yes"])
def test_thoughts_may_stay_in_the_content(text: str) -> None:
    assert split(list(text), keep=True) == ("", text)
    assert split([text], opened=True, keep=True) == ("", "<think>\n" + text)


FRAGMENTS = st.sampled_from(["<think>", "</think>", "<", "thi", "nk>", "</", " ", "\n", "a", "b."])
TEXTS = st.lists(FRAGMENTS, max_size=10).map("".join)


@given(TEXTS, st.lists(st.integers(0, 99), max_size=6), st.booleans(), st.booleans())
def test_any_cut_gives_the_same(text: str, cuts: list[int], opened: bool, keep: bool) -> None:
    bounds = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(bounds)]
    told = split(pieces, opened=opened, keep=keep)
    assert told == split(list(text), opened=opened, keep=keep)


@given(TEXTS, st.booleans())
def test_nothing_but_tags_and_layout_is_lost(text: str, opened: bool) -> None:
    thoughts, content = split([text], opened=opened)
    told = "".join((thoughts + content).split())
    bare = "".join(text.split())
    assert told in (bare, bare.removeprefix("<think>"), *(
        bare[:at].removeprefix("<think>") + bare[at + len("</think>"):]
        for at in range(len(bare)) if bare.startswith("</think>", at)
    ))  # fmt: skip


def test_thoughts_are_told_while_they_come() -> None:
    splitter = ReasoningSplitter()
    assert splitter.feed("<think>\nI ") == [Reasoning("I")]
    assert splitter.thinking
    assert splitter.feed("see.\n</th") == [Reasoning(" see.")]
    assert splitter.feed("ink>\n\n") == []
    assert not splitter.thinking
    assert splitter.feed("Yes.\n") == [Content("Yes.\n")]


def test_whether_the_prompt_opens_the_tag() -> None:
    assert opens_reasoning("<|Assistant|><think>\n")
    assert not opens_reasoning("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert not opens_reasoning("")
