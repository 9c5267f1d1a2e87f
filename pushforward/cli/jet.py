"""`pf jet FILE [ENTRY] name=VALUE … --order K [--direction name=VALUE]`: the Taylor series of a definition."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ..lang.diagnostics import fail, suggest
from ..lang.ir import FLOAT_DTYPES
from ..lang.types import Array, Record, Scalar, Tuple, Type
from . import _programs
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser)
    parser.add_argument("--order", type=_order, default=2, metavar="K", help="the highest coefficient (default: 2)")
    parser.add_argument(
        "--direction",
        action="append",
        default=[],
        metavar="name=VALUE",
        help="how an input moves, once per input that does (default: every float by 1)",
    )
    parser.add_argument("--scaling", default="taylor", choices=["taylor", "derivative"], help="divided by k!, or not")


def _order(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def run(options: argparse.Namespace, report: Report) -> int:
    from .._jet import with_series
    from .._jet_check import checked
    from ..semantics.results import to_json

    _, program, words = _programs.choose(options)
    values = _programs.inputs(options, words)
    sizes = _programs.note_sizes(program, values, report)
    inputs = program.signature.inputs
    point = [values.get(name, sizes.get(name)) for name, _ in inputs]
    directions = _directions(options, [name for name, _ in inputs])
    if not directions:
        directions = {name: _ones(values[name], type_) for name, type_ in inputs if name in values and _moves(type_)}
    rest = (None,) * (options.order - 1)
    given = [(directions[name], *rest) if name in directions else None for name, _ in inputs]
    _, series, order = checked(program, point, given, options.scaling)
    pushed = with_series(program, order, [(1,) if own else () for own in series], options.scaling)
    compiled = pushed.compile(options.backend)
    value, coefficients = compiled(
        point[0] if len(point) == 1 else tuple(point), tuple(() if own is None else own[:1] for own in series)
    )
    for number, coefficient in enumerate((value, *coefficients)):
        report.line(f"order {number}: {_programs.show(coefficient)}")
    report.put({"entry": program.name, "sizes": sizes, "backend": compiled.choose(sizes).backend})
    report.put({"scaling": options.scaling, "value": to_json(value), "series": [to_json(c) for c in coefficients]})
    return 0


def _directions(options: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from ..semantics.datafiles import read_inputs

    found = read_inputs(options.direction)
    for name in found:
        if name not in names:
            hint = suggest(name, names) or "--direction names an input"
            raise fail("E213", f"there is no input `{name}` to move", actual=", ".join(names), hint=hint)
    return found


def _moves(type_: Type) -> bool:
    from .._derived import tangent
    from ..lang.types import UNIT

    return tangent(type_) != UNIT


def _ones(value: Any, type_: Type) -> Any:
    """The value with 1 for every float, and nothing where there is none."""
    match type_:
        case Scalar(dtype):
            return 1.0 if dtype in FLOAT_DTYPES else ()
        case Array(_, Scalar(dtype)):
            return np.ones(np.shape(value)).tolist() if dtype in FLOAT_DTYPES else ()
        case Array(_, element):
            return [_ones(item, element) for item in value]
        case Tuple(items):
            return tuple(_ones(part, item) for part, item in zip(value, items, strict=True))
        case Record(fields):
            return {name: _ones(value[name], item) for name, item in fields if _moves(item)}
        case _:
            return ()
