"""Operations of native code are counted by kind, and the rows of the ceiling say who is held against whom."""

from __future__ import annotations

import pytest

import pushforward as pf
from benchmarks import figures
from benchmarks.areas import ceiling
from benchmarks.figures import Limits, Work
from benchmarks.peers import native
from benchmarks.timing import OURS, Run
from benchmarks.worker import BY_HAND
from pushforward.codegen.llvm.pipeline import optimise

RACE = ceiling.RACES[0]
WORK = Work(flops=2_000_000, fused=900_000, elementary=1000, divisions=0, traffic=1000)
LIMITS = Limits(flops=4e10, elementary=1e-9, division=1e-9, byte=1e-10)


def _work(source: str, name: str, **sizes: int) -> Work:
    return figures.work_of(optimise(pf.parse(source)[name].first(sizes)))


def test_operations_are_counted_by_kind() -> None:
    found = _work("def f[n](x: [n]f64, y: [n]f64): f64 = sum(for i < n => x[i] * y[i] + exp(x[i]) / y[i])", "f", n=100)
    # Of each round a product, an exponential, a quotient and a sum, and 99 additions that join the rounds.
    assert found == Work(flops=499, fused=100, elementary=100, divisions=100, traffic=1608)


def test_of_a_product_with_a_triangle_one_half_is_counted() -> None:
    whole = "def f(m: [9, 9]f64, x: [9]f64): [9]f64 = m @ x"
    half = "def f(m: [9, 9]f64, x: [9]f64): [9]f64 = (for i < 9, j < 9 => if j <= i then m[i, j] else 0.0) @ x"
    assert _work(whole, "f").flops == 81 + 72
    assert _work(half, "f").flops == 45 + 40


def test_what_limits_a_program_is_what_takes_longest() -> None:
    assert figures.seconds(WORK, LIMITS)["multiply-adds"] == pytest.approx(2 * (2e6 - 1e3 - 9e5) / 4e10)
    assert "limit: multiply-adds (multiply-adds 55 %, elementary functions 1 %" in figures.note(WORK, LIMITS, 1e-4)
    assert "limit: none of these" in figures.note(WORK, LIMITS, 1e-3)


def _run(**changes: dict[str, float]) -> Run:
    times = {OURS: [2.0e-4] * 3, "jax": [8.0e-4] * 3, BY_HAND: [1.0e-4] * 3}
    distance = {**dict.fromkeys(times, 0.0), **changes.get("distance", {})}
    shown = {"work": vars(WORK), "limits": vars(LIMITS)}
    return Run(times, dict.fromkeys(times, 1.0), {}, "", distance, {}, shown)


@pytest.mark.skipif(native.compiler() is None, reason="there is no C compiler")
def test_rows_of_one_run_hold_c_against_jax_and_ours_against_c() -> None:
    room, speed, peak = ceiling.judge(ceiling.bars_of(RACE, True), _run(), 0)
    assert (room.value, room.peer_name, room.ok) == (pytest.approx(8.0), "jax", True)
    assert (speed.value, speed.peer_name, speed.ok) == (pytest.approx(0.5), BY_HAND, False)
    assert (peak.value, peak.ok) == (pytest.approx(2e6 / 2e-4 / 4e10), True)
    assert "10.00 Gflop/s of 40.0 at the peak" in peak.note


def test_wrong_results_have_no_ratio() -> None:
    room, speed, _ = ceiling.judge(ceiling.bars_of(RACE, True), _run(distance={BY_HAND: 1.0}), 0)
    assert room.ok is False and "wrong result" in room.note
    assert speed.ok is None and "disagrees" in speed.note
    _, speed, _ = ceiling.judge(ceiling.bars_of(RACE, True), _run(distance={OURS: 1.0}), 0)
    assert speed.ok is False


def test_objectives_that_are_not_there_in_c_have_a_peak_alone() -> None:
    assert [bar.id for bar in ceiling.bars_of(RACE, False)] == ["ceiling/gmm_d10_k5/peak"]


@pytest.mark.skipif(native.compiler() is None, reason="there is no C compiler")
def test_limits_of_this_core_are_numbers() -> None:
    found = figures.limits(traffic=1 << 16)
    assert found.flops > 1e8 and min(found.elementary, found.division, found.byte) > 0.0
