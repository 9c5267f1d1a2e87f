"""Checks that what passes make is well typed, and no more work than now: the sound passes set the limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ...ad.cost import flops, ir_size
from ...ad.derive import jacobian, value_and_gradient
from ...ad.forward import forward
from ...ad.reverse import reverse
from ...ad.vmap import vmap
from ...lang.check_ir import check_program
from ...lang.ir import Program
from ...lang.passes import UNROLL, normalise
from .check import Check
from .program_case import Case


def work_checks(cases: Sequence[Case]) -> Iterator[Check]:
    """A check per program, measured before any fault is in."""
    for case in cases:
        run = partial(_no_more_work, case, _work(case))
        yield Check("passes", f"{case.text.entry}: no more work", frozenset(), run)


def _made(case: Case) -> dict[str, Program]:
    first = case.first()
    alone = (True, *(False for _ in first.inputs[1:]))
    k = case.floats[0]
    return {
        "value": normalise(first),
        "unrolled": normalise(UNROLL.function(first)),
        "gradient": value_and_gradient(case.scalar(), case.floats),
        "tangent": normalise(forward(first)),
        "reverse mode": reverse(first),
        "reverse mode under a budget": reverse(first, memory=60),
        "reverse mode without memory": reverse(first, memory=0),
        "batch": vmap(first, (True,) * len(first.inputs), 3),
        "batch that is not differentiated": vmap(first, (True,) * len(first.inputs), 3, final=True),
        "batch with shared arguments": vmap(first, alone, 3),
        "batch of tangents": vmap(forward(first), (*alone, *(False for _ in case.floats)), 3),
        "Jacobian by columns": jacobian(first, k, mode="forward"),
        "Jacobian by rows": jacobian(first, k, mode="reverse"),
        "Jacobian": jacobian(first, k),
    }


def _work(case: Case) -> dict[str, int]:
    made = _made(case)
    for program in made.values():
        check_program(program)
    work = {f"flops of the {name}": flops(program) for name, program in made.items()}
    return work | {f"size of the {name}": ir_size(program) for name, program in made.items()}


def _no_more_work(case: Case, limits: dict[str, int]) -> None:
    for name, amount in _work(case).items():
        if amount > limits[name]:
            raise AssertionError(f"{name}: {amount}, not {limits[name]}")
