"""The checks notice faults: each wrong program put in place of a right one is found by the check named for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pushforward.lang.builder import Builder
from pushforward.lang.ir import Program
from pushforward.verify.properties import case as case_module
from pushforward.verify.properties import corpus
from pushforward.verify.properties.agreement import Failure, agree
from pushforward.verify.properties.case import Case
from pushforward.verify.properties.differences import DIFFERENCES
from pushforward.verify.properties.generator import Generated, seeded_program
from pushforward.verify.properties.shrink import smaller

SEED = 3


def altered(program: Program, place: int, change: Callable[[Builder, int], int]) -> Program:
    """The program with one output changed."""
    b = Builder(program.name, program.inputs, program.sizes)
    outputs = list(b.inline(program, range(len(program.inputs))))
    outputs[place] = change(b, outputs[place])
    return b.build(outputs)


def negated(b: Builder, slot: int) -> int:
    return b.apply("neg", slot)


def nudged(b: Builder, slot: int) -> int:
    return b.apply("mul", slot, b.constant(1.0 + 1e-6))


@pytest.mark.parametrize("change", [negated, nudged])
@pytest.mark.parametrize(
    ("attribute", "place", "checks"),
    [
        ("first", 0, [corpus.exact_value]),
        ("pushed", 0, [corpus.primals]),
        ("pulled", 0, [corpus.primals]),
        ("pulled", -1, [corpus.adjoint, corpus.variants_of_reverse]),
    ],
)
def test_a_wrong_output_is_found(
    attribute: str, place: int, checks: Sequence[corpus.Check], change: Callable[[Builder, int], int]
) -> None:
    for check in checks:
        case = Case(_dependent(), SEED)
        _ = case.taylor  # by the program as it should be
        check(case)
        wrong = Case(_dependent(), SEED)
        wrong.__dict__["taylor"] = case.taylor
        wrong.__dict__[attribute] = altered(getattr(case, attribute), place, change)
        with pytest.raises(Failure):
            check(wrong)


def _dependent() -> Generated:
    """A program whose value and last derivative are not zero."""
    for seed in range(SEED, SEED + 50, 2):
        case = Case(seeded_program(seed), SEED)
        if not case.generated.arguments and abs(float(np.sum(case.x_bars[-1]))) > 1e-3 and len(case.ys) == 1:
            return case.generated
    raise AssertionError("no such program")


def test_a_tangent_that_is_not_linear_is_found() -> None:
    case = Case(_dependent(), SEED)

    def squared(b: Builder, slot: int) -> int:
        return b.apply("mul", slot, slot)

    case.__dict__["pushed"] = altered(case.pushed, -1, squared)
    with pytest.raises(Failure):
        corpus.linearity(case)


def test_a_wrong_derivative_rule_is_found_and_its_program_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `grad` that forgets a sign: no two modes of ours would disagree about it."""
    from pushforward.ad.transforms import TRANSFORMS

    right = TRANSFORMS["grad"]
    wrong = dict(TRANSFORMS) | {"grad": lambda program, active: altered(right(program, active), 0, negated)}
    monkeypatch.setattr(case_module, "TRANSFORMS", wrong)

    def fails(generated: Generated) -> bool:
        try:
            corpus.exact_value(Case(generated, 1))
        except Failure:
            return True
        return False

    seed = next(k for k in range(1, 400, 2) if "grad(" in seeded_program(k).text and fails(seeded_program(k)))
    found = smaller(seeded_program(seed).choices, "smooth", fails, most=60)
    assert "grad" in found.text
    assert len(found.text) < len(seeded_program(seed).text)


def test_differences_cover_every_derivative_word() -> None:
    from pushforward.ad.transforms import TRANSFORMS

    own_oracles = {"jet", "partials"}  # generated programs use neither word
    assert set(TRANSFORMS) - own_oracles == set(DIFFERENCES)


def test_the_distance_to_a_kink_is_that_of_the_nearest() -> None:
    from pushforward.lang.builder import body
    from pushforward.lang.ir import F64
    from pushforward.verify.properties.kinks import distance_to_kinks

    program = body("p", [F64, F64], lambda b, x: [b.apply("maximum", b.apply("abs", x[0]), x[1])])
    assert distance_to_kinks(program, [np.float64(-0.5), np.float64(0.75)]) == 0.25
    assert distance_to_kinks(program, [np.float64(-0.125), np.float64(0.75)]) == 0.125


@pytest.mark.parametrize("wrong", [[0.0, math.nan], [math.nan, 1.0], [0.0, math.inf], [0.0, 1.0 + 1e-6]])
def test_numbers_that_are_not_finite_agree_with_themselves_alone(wrong: list[float]) -> None:
    agree([np.array([0.0, 1.0])], [np.array([0.0, 1.0])], 1e-10, "numbers")
    with pytest.raises(Failure):
        agree([np.array(wrong)], [np.array([0.0, 1.0])], 1e-10, "numbers", lambda move: [np.array([math.inf, 0.0])])
    agree([np.array([1.0, math.inf])], [np.array([1.0, math.inf])], 1e-10, "infinities")
    with pytest.raises(Failure):
        agree([np.array([5.0, math.inf])], [np.array([1.0, math.inf])], 1e-10, "a number beside an infinity")
