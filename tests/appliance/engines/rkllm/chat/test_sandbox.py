from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from jinja2 import Template, TemplateError

from appliance.domain.messages import Message, Role
from appliance.engines.rkllm.chat.meter import Meter, TooMuchWork
from appliance.engines.rkllm.chat.sandbox import Sandbox
from appliance.engines.rkllm.chat.template import ChatTemplate
from appliance.errors import EngineError
from tests.appliance.engines.rkllm.chat import templates

WORK = 20_000
FOREVER = 1000.0


def rendered(source: str, work: int = WORK, **values: Any) -> str:
    code = Sandbox(Meter(WORK, FOREVER)).compiled(source)
    sandbox = Sandbox(Meter(work, FOREVER))
    return Template.from_code(sandbox, code, sandbox.globals).render(values)


TWICE = "{% set ns = namespace(a='ab', l=['ab']) %}{% for i in range(60) %}"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}a text that is written often{% endfor %}",
        "{% for i in range(9999) %}{{ big }}{% endfor %}",
        "{% set x %}{% for i in range(9999) %}{{ big }}{% endfor %}{% endset %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        TWICE + "{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
        TWICE + "{% set ns.a = ns.a + ns.a %}{% endfor %}",
        TWICE + "{% set ns.a = [ns.a, ns.a] | join %}{% endfor %}",
        TWICE + "{% set ns.a = ns.a.join([ns.a, ns.a, ns.a]) %}{% endfor %}",
        TWICE + "{% set ns.a = ns.a | replace('ab', 'abab') %}{% endfor %}",
        TWICE + "{% set ns.a = ns.a.replace('', ns.a) %}{% endfor %}",
        TWICE + "{% set ns.a = ns.a | indent(ns.a, first=true) %}{% endfor %}",
        TWICE + "{% set ns.a = ns.a | map('upper') | join(ns.a) %}{% endfor %}",
        TWICE + "{% set x %}{{ ns.a }}{{ ns.a }}{% endset %}{% set ns.a = x %}{% endfor %}",
        TWICE + "{% set ns.l = ns.l + ns.l %}{% endfor %}",
        TWICE + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        TWICE + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
        TWICE + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | upper }}",
        TWICE + "{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ ns.l ~ '' }}",
        TWICE + "{% set ns.l, ns.a = [ns.l, ns.l], [ns.a, ns.a] %}{% endfor %}{{ ns.l == ns.a }}",
        TWICE + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l is eq(ns.l) }}",
        TWICE + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | sort }}",
        "{{ 'a' * 999999999 }}",
        "{{ [1] * 999999999 }}",
        "{{ 999999999 * 'a' }}",
        "{% set ns = namespace(n=9) %}{% for i in range(60) %}{% set ns.n = ns.n * ns.n %}"
        "{% endfor %}",
    ],
)
def test_work_without_end_is_stopped(source: str) -> None:
    with pytest.raises(TooMuchWork):
        rendered(source, big="x" * 1000)


@pytest.mark.parametrize(
    "source",
    [
        "{% set x = big | replace('x', big) %}",
        "{% set x = big.replace('', big) %}",
        "{% set x = lines | indent(big) %}",
        "{% set x = big * 9999 %}",
        "{% set x = [big] * 9999999 %}",
        "{% set x = lines | list | join(big) %}",
        "{% set x = big.join(lines) %}",
    ],
)
def test_a_single_step_makes_nothing_huge(source: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooMuchWork):
            rendered(source, big="x" * 10_000, lines="\n" * 10_000, work=100_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "source",
    [
        "{{ 9 ** 999999999 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'a'['format'](1) }}",
        "{{ 'a'.ljust(999999999) }}",
        "{{ 'a'.__class__.__name__ }}",
        "{{ (1).to_bytes(999999999, 'big') }}",
        "{{ 'a' | indent(999999999, true) }}",
        "{{ [] | tojson(indent=999999999) }}",
        "{{ 'a' | center(999999999) }}",
        "{{ lipsum(999) }}",
        "{{ range(999999999) }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ [].__class__.__base__.__subclasses__() }}",
        "{{ messages.clear() }}",
        "{{ messages[0].update(a=1) }}",
        "{{ self.__init__ }}{{ self._TemplateReference__context.environment.compiled('') }}",
        "{{ [1] | map('each step') }}{{ ''.x.y }}",
    ],
)
def test_there_is_no_way_out(source: str) -> None:
    with pytest.raises((TemplateError, OverflowError)):
        rendered(source, messages=[{"role": "user"}])


def test_time_is_limited_too() -> None:
    times = iter([0.0, 0.5, 0.9, 1.1])
    meter = Meter(WORK, 1.0, lambda: next(times))
    meter.spend()
    meter.spend()
    with pytest.raises(TooMuchWork):
        meter.spend()


def test_a_template_is_stopped_with_a_sentence() -> None:
    endless = ChatTemplate("{% for i in range(99999) %}{{ messages }}{% endfor %}")
    with pytest.raises(EngineError, match="was stopped: it does far more work than"):
        endless.render([Message(Role.USER, "x" * 1000)])


@pytest.mark.parametrize("source", [templates.QWEN25, templates.QWEN3, templates.MISTRAL])
def test_a_long_conversation_is_no_reason_to_stop(source: str) -> None:
    turns = [Message(Role.USER, "question"), Message(Role.ASSISTANT, "answer " * 100)] * 250
    template = ChatTemplate(source, special_tokens={"bos_token": "<s>", "eos_token": "</s>"})
    assert template.render(turns).count("answer") == 25_000
