"""Derivatives of solutions of linear systems, from the equation ``A(c) x = b`` alone.

Tangents solve ``A x_dot = b_dot - A_dot x``. Cotangents come from one solution of the transposed system: with
``transpose(A) y = x_bar``, that of b is y, and that of c is the cotangent of ``A(c) x`` along -y (Giles 2008,
"Collected matrix derivative results for forward and reverse mode algorithmic differentiation"). Both are
solutions again, so derivatives of any order follow. `lang.solution` says how a program states its system.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..lang.builder import Builder
from ..lang.ir import Program
from ..lang.solution import constants, part, transposed
from .forward import push
from .reverse import reverse
from .sweep import Sweep


def push_solution(b: Builder, program: Program, operands: Sequence[int], tangents: dict[int, int]) -> Sequence[int]:
    """The results, whose tangents are noted in `tangents` (slot -> tangent slot)."""
    results = b.call(program, operands)
    if any(slot in tangents for slot in results):
        return results
    split = constants(program)
    fixed, right = list(operands[:split]), [tangents.get(slot) for slot in operands[split:]]
    active = tuple(slot in tangents for slot in fixed) + (False,) * len(results)
    pushed = push(part(program, "matvec"), active)
    dots = [tangents[slot] for slot in fixed if slot in tangents]
    changes = iter(b.inline(pushed.program, [*fixed, *results, *dots])[len(results) :])
    for k, flag in enumerate(pushed.active_outputs):
        if flag:
            right[k] = _minus(b, right[k], next(changes))
    known = [b.zeros(b.array_type(x)) if r is None else r for x, r in zip(results, right, strict=True)]
    tangents.update(zip(results, b.call(program, [*fixed, *known]), strict=True))
    return results


def _minus(b: Builder, left: int | None, right: int) -> int:
    return b.apply("neg", right) if left is None else b.apply("sub", left, right)


def reverse_solution(sweep: Sweep, program: Program, operands: Sequence[int]) -> Sequence[int]:
    """The results, whose cotangents the sweep will hand on to the operands."""
    results = sweep.builder.call(program, operands)

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        b, split = sweep.builder, constants(program)
        fixed = list(operands[:split])
        known = [b.zeros(b.array_type(x)) if z is None else z for x, z in zip(results, zs, strict=True)]
        bars = b.call(transposed(program), [*fixed, *known])
        for slot, bar in zip(operands[split:], bars, strict=True):
            if slot in sweep.active:
                sweep.ledger.add(slot, bar)
        active = tuple(slot in sweep.active for slot in fixed)
        if any(active):
            pulled = reverse(part(program, "matvec"), active + (False,) * len(results))
            found = b.inline(pulled, [*fixed, *results, *(b.apply("neg", bar) for bar in bars)])
            wanted = [slot for slot, flag in zip(fixed, active, strict=True) if flag]
            for slot, bar in zip(wanted, found[len(results) :], strict=True):
                sweep.ledger.add(slot, bar)

    sweep.register(results, (True,) * len(results), backward)
    return results
