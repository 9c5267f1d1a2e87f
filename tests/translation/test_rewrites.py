"""Every rewrite on terms that it answers: the same bits, also of infinities and signed zeros; no more flops; an end."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from pushforward.ad.cost import flops
from pushforward.lang.builder import Builder
from pushforward.lang.check_ir import check_program
from pushforward.lang.constants import scalar_value
from pushforward.lang.ir import Apply, Constant, Program
from pushforward.lang.rewrite import REWRITES, Rewrite
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.reference import evaluate

from .terms import INPUTS, LENGTH, SPECIAL, TERMS, Plain, Writer, rewritten, written

CASES = [(key, number) for key, writers in TERMS.items() for number in range(len(writers))]
NUMBERS = st.one_of(st.sampled_from(SPECIAL), st.floats(width=64))
# The zeros of `pad` are structural; adding one turns -0.0 into 0.0, putting together does not. Likewise a sum over no
# axes adds each element to 0.
UP_TO_THE_SIGN_OF_ZERO = frozenset({"sum of parts that lie side by side", "reduction over no axes"})
RING = ("x * 1", "x * -1", "-x * y", "x - 0", "x + -y", "x - -y", "--x", "x ^ 1, x ^ 2")


def rule(key: tuple[str, str]) -> Rewrite:
    return next(found for found in REWRITES if (found.name, found.primitive) == key)


def answer(key: tuple[str, str], writer: Writer) -> int | None:
    """What the rewrite itself says to the last step of the term."""
    b = Plain("term", INPUTS)
    step = b.definition(writer(b))
    assert step is not None and isinstance(step.op, Apply) and step.op.primitive == key[1]
    found = rule(key)
    assert found.sees is None or not found.sees.isdisjoint(kinds(b, step.operands))
    return found.rewrite(b, step.op, step.operands)


def kinds(b: Builder, operands: tuple[int, ...]) -> list[str | None]:
    return b.kinds(operands)


def bits(value: object, *, signed: bool) -> bytes:
    """The bytes of a value, every NaN alike; without `signed`, every zero too."""
    array = np.array(value)
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
        if not signed:
            array = array + 0.0
    return array.tobytes()


def arguments(draw: Callable[[], float], truth: list[bool], place: int) -> list[object]:
    vectors = [np.array([draw() for _ in range(LENGTH)]) for _ in range(3)]
    return [vectors[0], vectors[1], np.float64(draw()), np.array(truth), vectors[2].reshape(3, 3), np.int64(place)]


def test_every_rewrite_has_terms() -> None:
    assert {(found.name, found.primitive) for found in REWRITES} == set(TERMS)


@pytest.mark.parametrize(("key", "number"), CASES, ids=str)
def test_the_rewrite_answers_its_terms(key: tuple[str, str], number: int) -> None:
    assert answer(key, TERMS[key][number]) is not None


@pytest.mark.parametrize(("key", "number"), CASES, ids=str)
@settings(max_examples=8)
@given(st.data())
def test_values_keep_their_bits(key: tuple[str, str], number: int, data: st.DataObject) -> None:
    before = written(TERMS[key][number])
    after = rewritten(before)
    truth = data.draw(st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH))
    inputs = arguments(lambda: data.draw(NUMBERS), truth, 1)
    signed = key[0] not in UP_TO_THE_SIGN_OF_ZERO
    with np.errstate(all="ignore"):
        left, right = evaluate(before, inputs)[0], evaluate(after, inputs)[0]
    assert bits(left, signed=signed) == bits(right, signed=signed)


# Double literals are folded as IEEE 754 rounds, which rationals do not.
@pytest.mark.parametrize(("key", "number"), [case for case in CASES if case[0][0] != "double literals"], ids=str)
def test_values_agree_over_the_rationals(key: tuple[str, str], number: int) -> None:
    before = written(TERMS[key][number])
    numbers = iter(Fraction(k * k - 40, k % 5 + 2) for k in range(100))
    inputs: list[object] = []
    for type_ in INPUTS:
        shape = tuple(int(size) for size in type_.shape if isinstance(size, int))
        count = int(np.prod(shape))
        values = [next(numbers) if type_.is_float else k % 2 == 0 for k in range(count)]
        inputs.append(np.array(values, object if type_.is_float else bool).reshape(shape))
    inputs[-1] = np.int64(1)
    left, right = (evaluate_exact(program, inputs)[0] for program in (before, rewritten(before)))
    assert np.array_equal(np.asarray(left, object), np.asarray(right, object))


@pytest.mark.parametrize(("key", "number"), CASES, ids=str)
def test_rewriting_never_costs_flops_and_ends(key: tuple[str, str], number: int) -> None:
    before = written(TERMS[key][number])
    after = rewritten(before)
    check_program(after)
    assert flops(after) <= flops(before)
    assert rewritten(after) == after


@pytest.mark.parametrize(("key", "number"), [case for case in CASES if case[0][0] in RING], ids=str)
def test_ring_rewrites_are_identities_of_rings(key: tuple[str, str], number: int) -> None:
    """Proved for all real numbers, element by element."""
    before = written(TERMS[key][number])
    left, right = polynomial(before), polynomial(rewritten(before))
    solver = z3.Solver()
    solver.add(left != right)
    assert solver.check() == z3.unsat


def polynomial(program: Program) -> Any:
    """One element of the output as a term over one real per input."""
    values: list[Any] = [z3.Real(f"x{k}") for k in range(len(program.inputs))]
    for step in program.steps:
        operands = [values[slot] for slot in step.operands]
        match step.op:
            case Constant():
                values.append(z3.RealVal(str(scalar_value(step))))
            case Apply("add"):
                values.append(operands[0] + operands[1])
            case Apply("sub"):
                values.append(operands[0] - operands[1])
            case Apply("mul"):
                values.append(operands[0] * operands[1])
            case Apply("neg"):
                values.append(-operands[0])
            case Apply("broadcast"):
                values.append(operands[0])
            case Apply("integer_pow") as op:
                exponent = op["exponent"]
                assert exponent in (1, 2)
                values.append(operands[0] if exponent == 1 else operands[0] * operands[0])
            case op:
                raise AssertionError(f"{op} is no operation of rings")
    (output,) = program.outputs
    return values[output]
