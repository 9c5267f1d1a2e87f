"""A program with its own derivative stays a unit; its rule gives the cotangents."""

from __future__ import annotations

from collections.abc import Sequence

from ...lang.ir import Program
from ...lang.solution import is_solution
from ..activity import is_float
from ..sweep import Sweep


def forward_call(sweep: Sweep, program: Program, operands: list[int]) -> Sequence[int]:
    """A program with its own derivative: the primal stays a unit, its rule gives the cotangents."""
    if is_solution(program):
        from ..solutions import reverse_solution

        return reverse_solution(sweep, program, operands)
    b = sweep.builder
    results = b.call(program, operands)
    types = program.output_types

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        from ..custom import cotangent_rule

        rule = cotangent_rule(program)
        floats = [
            sweep.or_zeros(z, type_)
            for z, type_ in zip(zs, types, strict=True)
            if is_float(type_)
        ]
        bars = iter(sweep.builder.inline(rule, [*operands, *floats]))
        for slot, type_ in zip(operands, program.inputs, strict=True):
            if is_float(type_):
                bar = next(bars)
                if slot in sweep.active:
                    sweep.ledger.add(slot, bar)

    sweep.register(results, tuple(is_float(type_) for type_ in types), backward)
    return results
