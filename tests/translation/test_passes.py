"""Every pass on generated programs: the same value, never more flops, nothing left to do a second time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pushforward.ad.cost import flops
from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.codegen.xla.pipeline import PASSES
from pushforward.lang.builder import Builder
from pushforward.lang.check_ir import check_program
from pushforward.lang.ir import Program
from pushforward.lang.passes import LIFT, SIMPLIFY, UNROLL, Pass, normalise
from tests.ad.numbers import arguments, assert_close, run
from tests.ir.programs import seeded_program

SEEDS = range(60)
BASIC = (SIMPLIFY, LIFT, UNROLL, Pass("normalise", "all of them", normalise))
# Later passes of the back end replace work by other work (a sum by a product of matrices) and are held to values.
BACK_END = tuple(one for one in PASSES if one.name not in {basic.name for basic in BASIC})


def derived(seed: int) -> Program:
    """A generated program, or its pushforward or reverse derivative."""
    program = seeded_program(seed)
    return (lambda p: p, forward, reverse)[seed % 3](program)


def again(program: Program) -> Program:
    """The same program under another name, so that no memo answers, replayed step by step."""
    b = Builder("again", program.inputs, program.sizes)
    return replace(b.build(b.inline(program, range(len(program.inputs)))), name="again")


def results(program: Program, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    xs = arguments(program.inputs, np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        return xs, run(program, xs)


@pytest.mark.parametrize("one", BASIC, ids=lambda one: one.name)
def test_a_pass_keeps_the_value_and_never_adds_flops(one: Pass) -> None:
    for seed in SEEDS:
        program = derived(seed)
        after = one.function(program)
        check_program(after)
        assert flops(after) <= flops(program), f"seed {seed}"
        xs, ys = results(program, seed)
        with np.errstate(all="ignore"):
            assert_close(run(after, xs), ys, 1e-9)


@pytest.mark.parametrize("one", BASIC, ids=lambda one: one.name)
def test_a_pass_comes_to_an_end(one: Pass) -> None:
    """Hoisting makes room for sharing and sharing for hoisting; a few rounds of both leave nothing to do."""
    rounds = 1 if one in (SIMPLIFY, UNROLL) else 4
    for seed in SEEDS:
        program = again(derived(seed))
        for _ in range(rounds):
            program = again(SIMPLIFY.function(one.function(program)))
        assert again(SIMPLIFY.function(one.function(program))) == program, f"seed {seed}"


def test_the_passes_of_the_back_end_keep_the_value_one_by_one() -> None:
    for seed in SEEDS:
        program = derived(seed)
        xs, ys = results(program, seed)
        for one in PASSES:
            program = one.function(program)
            check_program(program)
            with np.errstate(all="ignore"):
                assert_close(run(program, xs), ys, 1e-9)


def test_the_back_end_has_passes_of_its_own() -> None:
    assert BACK_END
