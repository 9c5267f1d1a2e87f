"""Transposes of linear primitives by the dot test: ``<L(v), z> = <v, transpose(z)>``, exactly on whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Program
from pushforward.lang.primitives import get, result_types, rules
from pushforward.lang.primitives.row import Linear, RuleContext
from pushforward.semantics.reference import evaluate

from .cases import LINEAR, Case


def _value(case: Case) -> Program:
    return body(case.name, case.types, lambda b, x: [b.apply(case.name, *x, **case.params)])


def _transpose(case: Case, operand: int) -> Program | None:
    """The cotangent of one operand from the operands and the cotangent of the result."""
    row = get(case.name)
    params = tuple(sorted(case.params.items()))
    (result,) = result_types(case.name, case.types, params)
    builder = Builder(case.name, (*case.types, result))
    count = len(case.types)
    context = RuleContext(builder, tuple(range(count)), (), params)
    bar = rules.transpose(context, row, operand, count)
    return None if bar is None else builder.build((bar,))


@pytest.mark.parametrize("case", LINEAR, ids=str)
def test_dot_products_with_the_transpose_agree(case: Case) -> None:
    derivative = get(case.name).derivative
    assert isinstance(derivative, Linear)
    operands = case.operands()
    for operand, type_ in enumerate(case.types):
        program = _transpose(case, operand)
        if not type_.is_float:
            assert program is None
            continue
        assert program is not None
        v = case.operands(seed=1)[operand]
        # Operands that are linear together are zero beside the one under test; the others stay as they are.
        moved = [
            v if k == operand else np.zeros_like(x) if derivative.jointly and x.dtype == float else x
            for k, x in enumerate(operands)
        ]
        image = evaluate(_value(case), moved)[0]
        z = np.random.default_rng(2).integers(-3, 4, image.shape).astype(float)
        bar = evaluate(program, [*operands, z])[0]
        assert bar.shape == v.shape
        assert float(np.sum(image * z)) == float(np.sum(v * bar))
