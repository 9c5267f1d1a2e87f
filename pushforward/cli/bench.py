"""`pf bench FILE [ENTRY] [name=VALUE …]`: time a definition and its gradient.

Each time is the best of several rounds after one warm-up call; the first call, which compiles, is shown apart. Inputs
that are not given are drawn from a unit normal once every size is known.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

from .._program import Program
from ..lang.diagnostics import DiagnosticError
from . import _programs
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser)
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="rounds to take the best of (default 15)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of inputs that are not given (default 0)"
    )


def run(options: argparse.Namespace, report: Report) -> int:
    _, program, words = _programs.choose(options)
    values = fill(program, _programs.inputs(options, words), options.seed)
    sizes = _programs.note_sizes(program, values, report)
    report.note(f"seed: {options.seed}")
    rows = [_row("value", program, values, sizes, options)]
    try:
        rows.append(_row("value and gradient", _gradient(program), values, sizes, options))
    except DiagnosticError as error:
        report.note(f"no gradient: {error.diagnostics[0].message}")
    for row in rows:
        report.line(
            f"{row['name']:20} {row['seconds'] * 1e6:12.1f} us   first call {row['first_seconds']:.2f} s   "
            f"{row['flops']} flops   {row['backend']}"
        )
    if len(rows) == 2:
        ratio = rows[1]["flops"] / max(1, rows[0]["flops"])
        report.line(
            f"{'cost of gradient':20} {rows[1]['seconds'] / rows[0]['seconds']:.2f} x time, {ratio:.2f} x flops"
        )
    report.put({"entry": program.name, "sizes": sizes, "seed": options.seed, "rows": rows})
    return 0


def _gradient(program: Program) -> Program:
    from .._program import floats
    from .._transform import value_and_grad

    return value_and_grad(program, floats(program.signature))


def _row(
    name: str, program: Program, values: dict[str, Any], sizes: dict[str, int], options: argparse.Namespace
) -> dict[str, Any]:
    from .. import _wire
    from ..semantics.values import bind

    backend = "xla" if options.backend == "auto" else options.backend
    compiled = program.compile(backend, nonfinite="allow")
    leaves = bind(program.signature, program.ir.sizes, (), values).leaves
    first = _timed(lambda: compiled.run(leaves, sizes))
    best = min(_timed(lambda: compiled.run(leaves, sizes)) for _ in range(max(1, options.rounds)))
    flops = _wire.flops(program.first(sizes), {})
    return {"name": name, "seconds": best, "first_seconds": first, "flops": flops, "backend": backend}


def _timed(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def fill(program: Program, values: dict[str, Any], seed: int) -> dict[str, Any]:
    """The values with float inputs that are missing drawn from a unit normal; their sizes must be known."""
    import numpy as np

    from ..lang.ir import Signature, leaves
    from ..semantics.results import assemble
    from ..semantics.values import bind

    signature = program.signature
    given = {name for name, _ in signature.inputs if name in values}
    known = Signature(tuple(item for item in signature.inputs if item[0] in given), signature.output)
    sizes = bind(known, [name for name in program.ir.sizes if name in values], (), values).sizes
    random = np.random.default_rng(seed)
    filled = dict(values)
    for name, type_ in signature.inputs:
        if name in given:
            continue
        slots = leaves(type_)
        shapes = [_shape(slot, sizes) for slot in slots]
        if not slots or None in shapes:
            continue
        filled[name] = assemble(type_, iter([random.standard_normal(shape) for shape in shapes]))
    return filled


def _shape(slot: Any, sizes: Any) -> tuple[int, ...] | None:
    from ..lang.ir import ArrayType
    from ..lang.sizes import substitute

    if not isinstance(slot, ArrayType) or not slot.is_float:
        return None
    shape = [substitute(size, sizes) for size in slot.shape]
    return tuple(size for size in shape if isinstance(size, int)) if all(isinstance(s, int) for s in shape) else None
