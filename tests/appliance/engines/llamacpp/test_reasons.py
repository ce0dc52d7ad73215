from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.llamacpp.reasons import explain


@given(st.text(), st.integers(-200, 300))
def test_any_output_is_explained(output: str, status: int) -> None:
    assert explain(output, status)


HINTS = [
    "libgomp.so.1",
    "launch: x",
    "unknown model architecture: '{a}'",
    "error loading model: {",
    "invalid argument: {0}",
    "E {what}",
    "failed",
    "\n",
]


@given(st.lists(st.sampled_from(HINTS) | st.text(max_size=5)), st.sampled_from([1, -9, -11, -35]))
def test_any_mixture_of_known_lines_is_explained(lines: list[str], status: int) -> None:
    assert explain("\n".join(lines), status)


@pytest.mark.parametrize(
    ("output", "status", "said"),
    [
        ("libgomp.so.1: cannot open shared object file", 70, "apt install libgomp1"),
        ("import failed: No module named 'xllamacpp'", 70, "xllamacpp cannot be imported"),
        ("error loading model: unknown model architecture: 'zz'", 70, "architecture 'zz'"),
        ("ggml_aligned_malloc: unable to allocate", 70, "not enough memory"),
        ("write: No space left on device", 1, "disk is full"),
        ("tensor 'a.b' data is not within the file bounds", 70, "copy it again"),
        ("open: Permission denied", 1, "may not be read"),
        ("common_chat_templates_init: error: Unexpected token", 70, "template cannot be used (Un"),
        ("launch: /x/llama-server cannot be run (Permission denied)", 1, "/x/llama-server"),
        ("launch: cpu_engine.cpus is 90, but there are 2 CPUs", 1, "cpu_engine.cpus is 90"),
        ("error: invalid argument: --wrong", 1, "--wrong"),
        ("", -signal.SIGILL, "llama-server built for this machine"),
        ("", -signal.SIGKILL, "memory ran out"),
        ("", -signal.SIGSEGV, "crashed (SIGSEGV)"),
        ("", -signal.SIGRTMIN - 1, f"crashed (signal {signal.SIGRTMIN + 1})"),
        ("fine\n0.12 E something odd\nbye", 3, "status 3. It said: 0.12 E something odd"),
        ("", 3, "ended with status 3."),
        ("oom_score_adj stays as it is: [Errno 13] no", 3, "ended with status 3."),
    ],
)
def test_what_is_known_has_a_remedy(output: str, status: int, said: str) -> None:
    assert said in explain(output, status)
