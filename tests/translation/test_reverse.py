"""The production reverse pass against the literal macro, also of derivatives and behind every pass."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from pushforward.ad.forward import forward
from pushforward.ad.reference.reverse import reference_reverse
from pushforward.ad.reverse import reverse
from pushforward.lang.ir import ArrayType, Fold, Program, Step, bodies
from pushforward.lang.passes import LIFT, SIMPLIFY, UNROLL, normalise
from pushforward.semantics.exact import evaluate_exact
from tests.reference_macro.fragments import array_program

PASSES = {
    "simplify": SIMPLIFY.function,
    "lift": LIFT.function,
    "unroll": UNROLL.function,
    "normalise": normalise,
}


def rationals(program: Program, seed: int) -> list[object]:
    random = Random(seed)
    found: list[object] = []
    for type_ in program.inputs:
        assert isinstance(type_, ArrayType)
        shape = tuple(size if isinstance(size, int) else 4 for size in type_.shape)
        array = np.empty(shape, object)
        array.flat[:] = [Fraction(random.randrange(-4, 5), random.randrange(1, 4)) for _ in range(array.size)]
        found.append(array)
    return found


def assert_same(left: Program, right: Program, seed: int) -> None:
    given = rationals(left, seed)
    for ours, theirs in zip(evaluate_exact(left, given), evaluate_exact(right, given), strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(theirs)), f"seed {seed}"


@pytest.mark.parametrize("name", PASSES)
def test_passes_before_and_after_do_not_change_the_derivative(name: str) -> None:
    change = PASSES[name]
    for seed in range(12):
        program = array_program(Random(1000 + seed).randrange, 3)
        reference = reference_reverse(program)
        assert_same(reference, change(reverse(program)), seed)
        assert_same(reference, reverse(change(program)), seed)


@pytest.mark.parametrize("memory", [0, 60])
def test_memory_budgets_do_not_change_the_derivative(memory: int) -> None:
    for seed in range(12):
        program = array_program(Random(2000 + seed).randrange, 3)
        assert_same(reference_reverse(program), reverse(program, memory=memory), seed)


def test_the_reverse_derivative_of_a_pushforward_is_that_of_the_macro() -> None:
    """On programs without folds, whose pushforward carries several states, which the macro does not know."""
    done = 0
    for seed in range(60):
        program = array_program(Random(3000 + seed).randrange, 2)
        if any(isinstance(step.op, Fold) for step in _all_steps(program)):
            continue
        pushed = forward(program)
        assert_same(reference_reverse(pushed), reverse(pushed), seed)
        done += 1
    assert done >= 12


def _all_steps(program: Program) -> list[Step]:
    inner = [step for outer in program.steps for body in bodies(outer.op) for step in _all_steps(body)]
    return [*program.steps, *inner]
