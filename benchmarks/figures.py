"""What native code has to do, and how fast this core does each kind of it: a problem enters, figures leave.

Operations are counted in the program as it is compiled, by the rules of `pushforward.ad.cost`: an addition, a
multiplication and an elementary function count one each. Of a product with a triangle one half is counted, as one half
is run.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir

import pushforward as pf
from pushforward.ad import cost
from pushforward.codegen.llvm.kernel import write_kernel
from pushforward.codegen.llvm.memory import count, lengths
from pushforward.codegen.llvm.pipeline import optimise
from pushforward.lang.constants import numpy_dtype
from pushforward.lang.ir import Apply, Program, SlotType, Step, as_array, bodies, with_bodies
from pushforward.semantics import values

from .peers import native
from .problems import Problem

ELEMENTARY = frozenset(
    "exp expm1 log log1p sin cos tan sinh cosh tanh logistic softplus pow atan2 erf lgamma digamma".split()
)
DIVISIONS = frozenset("div sqrt rsqrt".split())
SHORT = 1024  # numbers of an array in the first cache
NUMBERS = 1 << 18  # of one timed call
REPEATS = 25
NOT_COUNTED = "none of these (waiting, moves and fresh memory are not counted)"  # less than half is explained


@dataclass(frozen=True)
class Work:
    """Operations of one run: `fused` is how many pairs of a multiplication and an addition there can be at most, and
    `flops` is all of them. `traffic` is bytes: inputs and results once, scratch memory written and read."""

    flops: int
    fused: int
    elementary: int
    divisions: int
    traffic: int


@dataclass(frozen=True)
class Limits:
    """What one core does: operations a second in fused multiply-adds, seconds of an exponential and of a division in
    vectors, and seconds of moving a byte among as many as the program moves."""

    flops: float
    elementary: float
    division: float
    byte: float


def work(problem: Problem, root: Path) -> Work:
    """The operations of our program for a problem."""
    program: Any = pf.load(root / problem.file)[problem.entry]
    program = pf.value_and_grad(program, wrt=problem.wrt, memory=problem.memory) if problem.wrt else program
    sizes = values.bind(program.signature, program.ir.sizes, problem.arguments, {}).sizes
    return work_of(optimise(program.first(sizes)))


def work_of(program: Program) -> Work:
    """The operations of a program after the passes of native code."""
    marked = _marked(program)
    sums = cost.flops(marked) - cost.counted(marked, cost.apply_flops)
    found = {kind: cost.counted(marked, counter) for kind, counter in _COUNTERS.items()}
    _, buffers = write_kernel(ir.Module("work"), program)
    traffic = sum(_bytes(t) for t in (*program.inputs, *program.output_types)) + 2 * buffers.total
    return Work(
        sum(found.values()) + sums,
        min(found["multiplications"], found["additions"] + sums),
        found["elementary"],
        found["divisions"],
        traffic,
    )


def _bytes(type_: SlotType) -> int:
    array = as_array(type_)
    return count(lengths(array)) * numpy_dtype(array.dtype).itemsize


def _marked(program: Program) -> Program:
    """The program with the share that is run in the parameters of each product with a triangle, in bodies too."""
    halves = {step.operands[0]: step for step in program.steps if _is(step, "triangle")}
    halves |= {first: step for first, step in program.numbered() if _is(step, "triangle")}

    def marked(first: int, step: Step) -> Step:
        op = with_bodies(step.op, tuple(_marked(body) for body in bodies(step.op)))
        found = next((halves[slot] for slot in (first, *step.operands) if slot in halves), None)
        if isinstance(op, Apply) and _is(step, "einsum") and found is not None:
            rows, columns = lengths(as_array(found.types[0]))[-2:]
            op = replace(
                op, params=(*op.params, ("of", 2 * rows * columns), ("run", rows * columns + min(rows, columns)))
            )
        return replace(step, op=op)

    return replace(program, steps=tuple(marked(first, step) for first, step in program.numbered()))


def _is(step: Step, primitive: str) -> bool:
    return isinstance(step.op, Apply) and step.op.primitive == primitive


def _split(op: Apply, operands: tuple[object, ...], results: tuple[SlotType, ...]) -> dict[str, int]:
    """The operations of one application, by kind."""
    total = cost.apply_flops(op, operands, results)
    if op.primitive == "einsum" and total:
        params = dict(op.params)
        run, of = params.get("run", 1), params.get("of", 1)
        assert isinstance(run, int) and isinstance(of, int)
        terms = (total + _elements(results[0])) // 2  # a multiplication for each term, an addition to join two
        return {"multiplications": terms * run // of, "additions": (total - terms) * run // of}
    if op.primitive in ELEMENTARY:
        return {"elementary": total}
    if op.primitive in DIVISIONS:
        return {"divisions": total}
    return {"multiplications" if op.primitive == "mul" else "additions": total}


def _elements(type_: SlotType) -> int:
    return count(lengths(as_array(type_)))


def _counter(kind: str) -> cost.Count:
    return lambda op, operands, results: _split(op, operands, results).get(kind, 0)


_COUNTERS = {kind: _counter(kind) for kind in ("multiplications", "additions", "elementary", "divisions")}


def limits(traffic: int) -> Limits:
    """What this core does; `traffic` is how many bytes are moved. Raises `RuntimeError` without a C compiler."""
    library = native.library("limits")
    library.fused.restype = ctypes.c_double
    rounds = 200_000
    fused = _least(lambda: library.fused(ctypes.c_int64(rounds), ctypes.c_double(0.999), ctypes.c_double(1e-3)))
    return Limits(
        library.fused_flops() * rounds / fused,
        _of_a_number(library.exponentials, SHORT),
        _of_a_number(library.quotients, SHORT),
        _of_a_number(library.copy, max(1, traffic // 16)) / 16,
    )


def _of_a_number(function: Any, size: int) -> float:
    """Seconds for one number of an array, of which so many are done that the call itself does not count."""
    x, y = np.linspace(0.5, 2.0, size), np.zeros(size)
    rounds = max(1, NUMBERS // size)
    words = [ctypes.c_int64(rounds), ctypes.c_int64(size), *(ctypes.c_void_p(a.ctypes.data) for a in (x, y))]
    return _least(lambda: function(*words)) / (rounds * size)


def _least(call: Callable[[], object]) -> float:
    least = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
    return least


def figures(problem: Problem, root: Path) -> dict[str, Mapping[str, float]]:
    """The work of a problem and the limits of this core, to go from one process to another."""
    found = work(problem, root)
    return {"work": asdict(found), "limits": asdict(limits(found.traffic))}


def seconds(found: Work, least: Limits) -> dict[str, float]:
    """How long each kind of work would take by itself, with every multiply-add fused that can be."""
    plain = found.flops - found.elementary - found.divisions - found.fused  # a fused pair is one instruction
    return {
        "multiply-adds": 2 * plain / least.flops,
        "elementary functions": found.elementary * least.elementary,
        "divisions and roots": found.divisions * least.division,
        "memory traffic": found.traffic * least.byte,
    }


def note(found: Work, least: Limits, taken: float) -> str:
    """One line: the counts, and what limits the program; by itself each kind would take the share of the time said."""
    parts = seconds(found, least)
    most = max(parts, key=lambda kind: parts[kind])
    shares = ", ".join(f"{kind} {100 * part / taken:.0f} %" for kind, part in parts.items())
    return (
        f"{least.flops / 1e9:.1f} at the peak; {found.flops / 1e6:.2f} Mflop, {2 * found.fused / 1e6:.2f} at most in "
        f"fused pairs, {found.elementary} elementary, {found.divisions} divisions and roots; "
        f"{found.traffic / 1e6:.2f} MB; limit: {most if sum(parts.values()) > taken / 2 else NOT_COUNTED} ({shares})"
    )
