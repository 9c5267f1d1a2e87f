"""Laws of the derivative passes on random nests of `Each`, `Fold` and `Branch`, run by the reference evaluator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.lang.ir import Program
from pushforward.lang.passes import LIFT, SIMPLIFY, UNROLL, normalise
from pushforward.lang.passes.simplify import simplify
from tests.ir.checked import checked
from tests.ir.programs import programs

from .numbers import Arrays, arguments, assert_close, dot, floats, run, zeros

EXAMPLES = settings(max_examples=60)
SEEDS = st.integers(0, 2**31)
push, pull = checked(forward), checked(reverse)


def setting(program: Program, seed: int) -> tuple[np.random.Generator, Arrays, Arrays]:
    """Random numbers, arguments and the finite results of a program on them."""
    random = np.random.default_rng(seed)
    xs = arguments(program.inputs, random)
    ys = run(program, xs)
    assume(all(np.all(np.isfinite(y)) for y in ys))
    return random, xs, ys


@EXAMPLES
@given(programs(), SEEDS)
def test_normalising_passes_keep_the_value(program: Program, seed: int) -> None:
    _, xs, ys = setting(program, seed)
    for function in (SIMPLIFY.function, LIFT.function, UNROLL.function, normalise):
        assert_close(run(checked(function)(program), xs), ys)


@EXAMPLES
@given(programs())
def test_simplify_is_idempotent(program: Program) -> None:
    once = replace(simplify(program), name="again")  # another name, so that no memo answers
    assert simplify(once) == once


@EXAMPLES
@given(programs(), SEEDS)
def test_tangents_are_directional_derivatives(program: Program, seed: int) -> None:
    random, xs, ys = setting(program, seed)
    x_dots = arguments(program.inputs, random)
    results = run(push(program), xs, x_dots)
    count = len(ys)
    assert_close(results[:count], ys, 1e-12)
    step = 1e-6
    ahead, behind = (run(program, [x + h * v for x, v in zip(xs, x_dots, strict=True)]) for h in (step, -step))
    slopes = [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]
    assert_close(results[count:], slopes, 3e-5)


@EXAMPLES
@given(programs(), SEEDS, st.sampled_from([None, 0, 60]))
def test_the_two_modes_are_adjoint(program: Program, seed: int, memory: int | None) -> None:
    """<u, J v> = <J^T u, v>, with every memory budget, before and after normalising; the primal stays what it is."""
    random, xs, ys = setting(program, seed)
    x_dots, y_bars = arguments(program.inputs, random), arguments(program.output_types, random)
    count = len(ys)
    y_dots = run(push(program), xs, x_dots)[count:]
    backward = pull(program, memory=memory)
    for variant in (backward, checked(normalise)(backward), pull(normalise(program), memory=memory)):
        results = run(variant, xs, y_bars)
        assert_close(results[:count], ys)
        left, right = dot(y_bars, y_dots), dot(results[count:], x_dots)
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)


@EXAMPLES
@given(programs(), SEEDS, st.data())
def test_inactive_inputs_are_held_fixed(program: Program, seed: int, data: st.DataObject) -> None:
    random, xs, ys = setting(program, seed)
    active = data.draw(st.lists(st.booleans(), min_size=len(xs), max_size=len(xs)))
    on = [k for k, flag in enumerate(active) if flag]
    x_dots, y_bars = arguments(program.inputs, random), arguments(program.output_types, random)
    held = [v if flag else np.zeros_like(v) for v, flag in zip(x_dots, active, strict=True)]
    assert_close(run(push(program, active), xs, [x_dots[k] for k in on]), run(push(program), xs, held))
    count = len(ys)
    whole = run(pull(program), xs, y_bars)
    part = run(pull(program, active), xs, y_bars)
    assert_close(part, [*whole[:count], *(whole[count + k] for k in on)])


@settings(max_examples=40)
@given(programs(fuel=5), SEEDS)
def test_the_order_of_modes_does_not_matter(program: Program, seed: int) -> None:
    """Forward over reverse and reverse over forward give the same second derivative."""
    random, xs, ys = setting(program, seed)
    x_dots, y_bars = arguments(program.inputs, random), arguments(program.output_types, random)
    inputs, outputs = len(floats(program.inputs)), len(ys)
    first = run(push(pull(program)), xs, y_bars, x_dots, zeros(y_bars))[-inputs:]
    second = run(pull(push(program)), xs, x_dots, zeros(y_bars), y_bars)[2 * outputs : 2 * outputs + inputs]
    assert_close(first, second, 1e-7)


@EXAMPLES
@given(programs(fuel=5), SEEDS)
def test_pullbacks_are_linear(program: Program, seed: int) -> None:
    random, xs, ys = setting(program, seed)
    backward = pull(program)
    first, second = arguments(program.output_types, random), arguments(program.output_types, random)
    mixed = [2.0 * a - 3.0 * b for a, b in zip(first, second, strict=True)]
    bars = [run(backward, xs, bar)[len(ys) :] for bar in (first, second, mixed)]
    assert_close([2.0 * a - 3.0 * b for a, b in zip(bars[0], bars[1], strict=True)], bars[2], 1e-8)
