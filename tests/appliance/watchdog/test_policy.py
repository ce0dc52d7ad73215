"""The policy as a whole: stories of one illness, and properties that hold for every story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.board import Temperature
from appliance.system.rknpu_log import NpuEvent
from appliance.watchdog.illness import Illness
from appliance.watchdog.ladder import STEPS, WAIT, Step
from appliance.watchdog.limits import Limits
from appliance.watchdog.policy import Policy
from appliance.watchdog.readings import Heartbeat, Readings

PINNED, IDLE = (100.0, 0.0, 0.0), (0.0, 0.0, 0.0)
TICK = 2.0
NPU = Heartbeat("qwen", on_npu=True, pid=7)


def silent(seconds: float, allowance: float = 0.0, model: Heartbeat = NPU) -> Heartbeat:
    return replace(model, running=1, silent_s=seconds, allowance_s=allowance)


def story(policy: Policy, *readings: Readings) -> list[tuple[float, Step]]:
    """When which step was taken."""
    return [(each.at, action.step) for each in readings for action in policy.decide(each).actions]


def hang(begin: float, end: float, **more: object) -> Iterator[Readings]:
    """A run that began at `begin` and never says anything."""
    for tick in count():
        at = begin + tick * TICK
        if at > end:
            return
        beat = silent(at - begin)
        yield replace(Readings(at, (beat,), PINNED), **more)  # type: ignore[arg-type]


def test_the_mildest_first_and_a_reboot_last() -> None:
    steps = story(Policy(Limits(), 0.0), *hang(0, 400))
    assert [step for _, step in steps] == [
        Step.ABORT,
        Step.RESTART_ENGINE,
        Step.RESTART_SERVER,
        Step.RESET_NPU,
        Step.REBOOT,
    ]
    times = [at for at, _ in steps]
    assert times[0] <= 24
    assert times[1] <= 36, "an engine must be back within a minute"
    assert all(later > earlier for earlier, later in pairwise(times))


def test_a_long_prompt_is_no_hang() -> None:
    policy = Policy(Limits(), 0.0)
    prefill = [Readings(at, (silent(at, 226.0),), PINNED) for at in range(0, 246, 2)]
    assert story(policy, *prefill) == []
    late = Readings(250.0, (silent(250.0, 226.0),), PINNED)
    assert [step for _, step in story(policy, late)] == [Step.ABORT]


def test_a_long_prompt_on_a_throttled_npu_takes_longer() -> None:
    policy = Policy(Limits(), 0.0, share=0.3)
    warm = (Temperature("npu-thermal", 98.0),)
    slow = Readings(1000.0, (silent(500.0, 226.0),), PINNED, temperatures=warm)
    assert story(policy, slow) == []


def test_a_job_that_the_driver_gave_up_ends_the_allowance() -> None:
    policy = Policy(Limits(), 0.0)
    told = Readings(18.0, (silent(18.0, 600.0),), IDLE, kernel=(NpuEvent.TIMEOUT,))
    late = Readings(21.0, (silent(21.0, 600.0),), IDLE)
    assert story(policy, told, late) == [(21.0, Step.ABORT)]


def test_jobs_that_end_afterwards_give_it_back() -> None:
    policy = Policy(Limits(), 0.0)
    told = Readings(18.0, (silent(18.0, 600.0),), PINNED, 5, kernel=(NpuEvent.TIMEOUT,))
    works = [Readings(20.0 + i, (silent(20.0 + i, 600.0),), PINNED, 6 + i) for i in range(100)]
    assert story(policy, told, *works) == []


def test_interrupts_that_stop_end_the_allowance() -> None:
    policy = Policy(Limits(), 0.0)
    works = [Readings(i, (silent(i, 600.0),), PINNED, i) for i in range(40)]
    stuck = [Readings(40.0 + i, (silent(40.0 + i, 600.0),), PINNED, 39) for i in range(25)]
    assert story(policy, *works, *stuck) == [(60.0, Step.ABORT)]


def test_interrupts_that_never_moved_prove_nothing() -> None:
    policy = Policy(Limits(), 0.0)
    frozen = [Readings(float(i), (silent(i, 600.0),), PINNED, 39) for i in range(300)]
    assert story(policy, *frozen) == []


def test_an_npu_that_ends_jobs_is_not_hung_though_no_token_comes() -> None:
    policy = Policy(Limits(), 0.0)
    works = [Readings(float(i), (silent(i),), PINNED, i) for i in range(120)]
    assert story(policy, *works) == []
    assert story(policy, Readings(121.0, (silent(121.0),), PINNED, 121))[0][1] is Step.ABORT


@pytest.mark.parametrize("load", [None, IDLE, (94.0, 0.0, 0.0)])
def test_a_silent_engine_is_no_hung_npu(load: tuple[float, ...] | None) -> None:
    policy = Policy(Limits(), 0.0)
    steps = story(policy, *hang(0, 800, npu_load=load))
    assert [step for _, step in steps] == [Step.ABORT, Step.RESTART_ENGINE, Step.RESTART_SERVER]
    assert steps[0][0] > 120


def test_an_engine_on_the_cpu_does_not_answer_for_the_npu() -> None:
    policy = Policy(Limits(), 0.0)
    beat = silent(100.0, model=Heartbeat("tiny"))
    assert story(policy, Readings(100.0, (beat,), PINNED)) == []


def test_what_swaps_is_not_ended_for_its_silence() -> None:
    policy = Policy(Limits(), 0.0)
    readings = list(hang(0, 400, npu_load=None, memory_pressure=80.0))
    assert story(policy, *readings) == []
    assert policy.decide(readings[-1]).findings[0].illness == "memory_short"


def test_odd_loads_count_as_busy() -> None:
    steps = story(Policy(Limits(), 0.0), *hang(0, 22, npu_load=(429496.0,)))
    assert [step for _, step in steps] == [Step.ABORT]


def test_an_illness_that_comes_back_goes_on_where_it_was_left() -> None:
    policy = Policy(Limits(), 0.0)
    well = Readings(100.0, (NPU,), IDLE)
    assert [step for _, step in story(policy, *hang(0, 22), well)] == [Step.ABORT]
    assert [step for _, step in story(policy, *hang(200, 222))] == [Step.RESTART_ENGINE]
    assert [step for _, step in story(policy, *hang(900, 922))] == [Step.ABORT]


def test_after_everything_was_tried_it_rests() -> None:
    policy = Policy(Limits(reboot=False), 0.0)
    steps = story(policy, *hang(0, 3600))
    assert Step.REBOOT not in {step for _, step in steps}
    assert len(steps) <= 4 * 4
    assert policy.decide(Readings(3601.0, (silent(3601.0),), PINNED)).state in ("ill", "helpless")


def test_a_reset_that_is_not_safe_is_left_out() -> None:
    steps = [step for _, step in story(Policy(Limits(), 0.0), *hang(0, 200, can_reset=False))]
    assert Step.RESET_NPU not in steps
    assert steps[-1] is Step.REBOOT


def test_a_driver_that_cannot_reset_needs_a_reboot() -> None:
    policy = Policy(Limits(), 0.0)
    told = Readings(5.0, (NPU,), IDLE, kernel=(NpuEvent.RESET, NpuEvent.RESET_FAILED))
    assert story(policy, told, Readings(20.0, (NPU,), IDLE)) == []
    assert story(policy, Readings(26.0, (NPU,), IDLE)) == [(26.0, Step.REBOOT)]


@pytest.mark.parametrize("engine", [replace(NPU, on_npu=False), replace(NPU, tokens=1)])
def test_unless_nobody_needs_the_npu_or_it_works_again(engine: Heartbeat) -> None:
    policy = Policy(Limits(), 0.0)
    before = replace(engine, tokens=0)
    told = Readings(5.0, (before,), IDLE, kernel=(NpuEvent.RESET_FAILED,))
    assert story(policy, told, *(Readings(5.0 + i, (engine,), IDLE) for i in range(99))) == []


def test_a_server_that_does_not_answer_is_restarted_but_not_the_machine() -> None:
    policy = Policy(Limits(), 0.0)
    steps = story(policy, *(Readings(float(at), None) for at in range(0, 7200, 2)))
    assert {step for _, step in steps} == {Step.RESTART_SERVER}
    assert steps[0][0] == 62.0
    assert len(steps) < 10


def test_heat_takes_clock_and_gives_it_back() -> None:
    policy = Policy(Limits(), 0.0)
    shares = []
    for at, celsius in enumerate((60, 81, 79, 88, 96, 88, 74, 60)):
        warm = (Temperature("gpu-thermal", 99.0), Temperature("npu-thermal", float(celsius)))
        decision = policy.decide(Readings(float(at), temperatures=warm))
        shares += [action.share for action in decision.actions]
        assert decision.state == ("hot" if shares and shares[-1] < 1 else "well")
    assert shares == [0.8, 0.6, 0.3, 0.6, 1.0]
    assert policy.decide(Readings(9.0)).state == "well"


def test_a_limit_from_before_is_taken_back() -> None:
    policy = Policy(Limits(), 0.0, share=0.3)
    cool = Readings(1.0, temperatures=(Temperature("soc-thermal", 50.0),))
    assert [action.share for action in policy.decide(cool).actions] == [1.0]


def test_a_canary_sings_when_nothing_was_asked_for_a_while() -> None:
    policy = Policy(Limits(canary=300.0), 0.0)
    idle = [Readings(float(at), (Heartbeat("tiny"), NPU)) for at in range(0, 1000, 2)]
    actions = [action for each in idle for action in policy.decide(each).actions]
    assert [(each.step, each.model) for each in actions] == [(Step.CANARY, "qwen")] * 3


def test_two_canaries_that_fall_silent_restart_their_engine() -> None:
    policy = Policy(Limits(canary=300.0), 0.0)
    story(policy, Readings(0.0, (NPU,)), Readings(301.0, (NPU,)))
    assert story(policy, Readings(310.0, (NPU,), canary=False)) == []
    decision = policy.decide(Readings(620.0, (NPU,), canary=False))
    assert [(a.step, a.model) for a in decision.actions] == [(Step.RESTART_ENGINE, "qwen")]
    sung, failed = Readings(640.0, (NPU,), canary=True), Readings(650.0, (NPU,), canary=False)
    assert {step for _, step in story(policy, sung, failed)} <= {Step.CANARY}


def test_without_readings_nothing_happens() -> None:
    assert story(Policy(Limits(), 0.0), *(Readings(float(at)) for at in range(0, 9000, 2))) == []


# Properties -----------------------------------------------------------------------------------

loads = st.none() | st.lists(st.sampled_from([0.0, 50.0, 99.0, 100.0]), min_size=1).map(tuple)
beats = st.builds(
    Heartbeat,
    model=st.sampled_from(["a", "b"]),
    on_npu=st.booleans(),
    state=st.sampled_from(["loading", "loaded", "failed"]),
    running=st.integers(0, 2),
    tokens=st.integers(0, 9),
    silent_s=st.none() | st.floats(0, 5000),
    allowance_s=st.floats(0, 2000),
)
anything = st.builds(
    Readings,
    at=st.just(0.0),
    engines=st.none() | st.lists(beats, max_size=2).map(tuple),
    npu_load=loads,
    interrupts=st.none() | st.integers(0, 3),
    kernel=st.lists(st.sampled_from(list(NpuEvent)), max_size=2).map(tuple),
    temperatures=st.lists(
        st.builds(Temperature, st.sampled_from(["npu-thermal", "x"]), st.floats(-40, 150)),
        max_size=2,
    ).map(tuple),
    memory_pressure=st.none() | st.floats(0, 100),
    can_reset=st.booleans(),
    canary=st.none() | st.booleans(),
)
gaps = st.floats(0.1, 500)


@given(st.lists(st.tuples(gaps, anything), max_size=60), st.booleans())
def test_no_two_reboots_within_an_hour_whatever_is_read(
    moments: list[tuple[float, Readings]], obeyed: bool
) -> None:
    """Each reboot begins a new boot, of which the policy knows only what was remembered."""
    limits = Limits()
    policy, boot, now = Policy(limits, limits.reboot_apart), 0.0, 0.0
    reboots = []
    for gap, readings in moments:
        now += gap
        decision = policy.decide(replace(readings, at=now - boot))
        if Step.REBOOT in {action.step for action in decision.actions}:
            reboots.append(now)
            assert decision.reboot_from > now - boot
            if obeyed:
                policy, boot = Policy(limits, limits.reboot_apart), now
    assert all(later - earlier >= limits.reboot_apart for earlier, later in pairwise(reboots))


@given(st.lists(st.tuples(gaps, anything), max_size=60))
def test_who_talks_is_left_alone(moments: list[tuple[float, Readings]]) -> None:
    policy, now = Policy(Limits(), 0.0), 0.0
    for gap, readings in moments:
        now += min(gap, 30.0)
        beats = [replace(b, silent_s=min(b.silent_s or 0.0, 20.0)) for b in readings.engines or ()]
        kernel = tuple(e for e in readings.kernel if e is not NpuEvent.RESET_FAILED)
        spoken = replace(readings, at=now, engines=tuple(beats), kernel=kernel, canary=None)
        steps = {action.step for action in policy.decide(spoken).actions}
        assert steps <= {Step.LIMIT_CLOCK}


@given(st.lists(st.tuples(gaps, anything), max_size=60))
def test_a_prompt_that_is_being_read_has_its_time(moments: list[tuple[float, Readings]]) -> None:
    """Unless driver or interrupts prove that nothing is being read."""
    policy, now = Policy(Limits(), 0.0), 0.0
    for gap, readings in moments:
        now += min(gap, 30.0)
        reading = silent(min(readings.at + 1000.0, now), 1000.0)
        spoken = Readings(now, (reading,), readings.npu_load, memory_pressure=0.0)
        assert policy.decide(spoken).actions == ()


@given(st.lists(st.tuples(st.floats(0.1, 60), anything), max_size=100))
def test_steps_are_few_and_in_order(moments: list[tuple[float, Readings]]) -> None:
    policy, now = Policy(Limits(), 0.0), 0.0
    taken: dict[tuple[Illness, str | None], list[tuple[float, Step]]] = {}
    for gap, readings in moments:
        now += gap
        for action in policy.decide(replace(readings, at=now)).actions:
            if action.finding is not None:
                illness = action.finding.illness
                model = None if illness is Illness.NPU_HUNG else action.model
                taken.setdefault((illness, model), []).append((now, action.step))
    for (illness, _), steps in taken.items():
        order = STEPS[illness]
        for (before, earlier), (after, later) in pairwise(steps):
            assert after - before >= WAIT[earlier]
            rose = order.index(later) > order.index(earlier)
            assert rose or after - before > 600, "it begins anew only after a rest or a calm"
