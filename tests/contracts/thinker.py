"""A server whose model thinks before it answers, unless its template is told not to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import random_model
from tests.helpers.server import RunningLuna

# In the manner of the Qwen family: every answer begins with a thought, unless that is switched off.
TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' and message.reasoning_content %}
{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}
{%- endif %}
{{- message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\\n\\n</think>\\n\\n' }}
{%- else %}
{{- '<think>\\n' }}
{%- endif %}
{%- endif %}
"""


@contextmanager
def thinking(folder: Path) -> Iterator[RunningLuna]:
    """The server; its model is called thinker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_model, "CHAT_TEMPLATE", TEMPLATE)
        model = random_model.tiny(folder / "thinker.gguf")
    with RunningLuna(folder / "luna", models=[model]) as luna:
        luna.wait_loaded()
        yield luna
