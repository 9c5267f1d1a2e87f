"""Libraries for C: a program enters, files for users of C and of other tools leave.

The program is taken at known sizes, with its derivatives, and everything in it that has structure becomes arrays with
names: `state.mu` is the parameter `state_mu`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _derived, _wire
from ._bounds import counted
from ._program import Program, floats
from ._transform import jacobian, value_and_grad
from .lang import ir
from .lang.builder import Builder
from .lang.diagnostics import DiagnosticError, fail, suggest
from .lang.ir import ArrayType, as_array, leaves
from .lang.types import UNIT, Scalar, SizeType

if TYPE_CHECKING:
    from .codegen.artefacts.library import Function

DERIVATIVES = ("value", "gradient", "jacobian")


def build(
    program: Program,
    out: str | os.PathLike[str] = ".",
    *,
    sizes: Mapping[str, int] | None = None,
    name: str | None = None,
    derivative: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    emit: Sequence[str] = ("so", "h"),
    cpu: str = "native",
) -> list[Path]:
    """Write a library for C into the folder `out`, and give the paths of its files.

    Args:
        program: what the library computes, at one set of `sizes`.
        name: of the library, with which its functions begin; else that of the program.
        derivative: which functions it has: ``value``, ``gradient`` (value and gradient of one float result),
            ``jacobian`` (value and Jacobian). By default the value, and the derivative that fits the result.
        wrt: inputs to differentiate by; else every float.
        emit: kinds of file: ``so``, ``h``, ``o``, ``ll``, ``stablehlo``.
        cpu: ``native``, ``generic``, or a name of LLVM such as ``x86-64-v3``.

    Raises E148 for functions of SciPy, E166 for sizes that are missing, E180 and E181 for files and names, E184 and
    E185 for derivatives that there are not, E188 for unknown words, E189 without a C compiler.

    >>> import pushforward as pf, tempfile
    >>> square = pf.parse("def square[n](x: [n]f64): f64 = x @ x")["square"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in pf.build(square, folder, sizes={"n": 3}, emit=["h", "o"])]
    ['square.h', 'square.o']
    """
    known = _require_sizes(program, sizes or {})
    program.compile("llvm")  # refuses what has no compiled form
    return _wire.build(_library(program, known, name or program.name, derivative, wrt), Path(out), emit, cpu)


def _require_sizes(program: Program, sizes: Mapping[str, int]) -> Mapping[str, int]:
    from .semantics.values import bind

    wanted = program.ir.sizes
    for given in sizes:
        if given not in wanted:
            hint = suggest(given, wanted) or f"sizes: {', '.join(wanted) or 'none'}"
            raise fail("E162", f"`{program.name}` has no size `{given}`", hint=hint)
    missing = [size for size in wanted if size not in sizes]
    if missing:
        message = f"a library is made for known sizes, and `{missing[0]}` is not given"
        raise fail("E166", message, expected=", ".join(wanted), hint=f"give it by name: {missing[0]}=10")
    return bind(ir.Signature((), UNIT), wanted, (), sizes).sizes


def _library(
    program: Program, sizes: Mapping[str, int], name: str, derivative: Sequence[str] | None, wrt: Sequence[str] | None
) -> Any:
    from .codegen.artefacts.library import Library, parameters, require_name

    require_name(name)
    chosen = _fitting(program) if derivative is None else tuple(derivative)
    unknown = [word for word in chosen if word not in DERIVATIVES]
    if unknown:
        hint = suggest(unknown[0], DERIVATIVES) or f"derivatives: {', '.join(DERIVATIVES)}"
        raise fail("E188", f"there is no derivative `{unknown[0]}`", hint=hint)
    names = parameters(tuple(sizes))
    kinds = [kind for kind in DERIVATIVES if kind in chosen]
    functions = [_function(_plan(program, kind, wrt), sizes, names, f"{name}_{kind}") for kind in kinds]
    at = ", ".join(f"{size} = {number}" for size, number in sizes.items())
    definition = f"{program}{f' at {at}' if at else ''}"
    return Library(name, definition, tuple(zip(names, sizes.values(), strict=True)), tuple(functions))


def _fitting(program: Program) -> tuple[str, ...]:
    """The value, and the gradient of one float or the Jacobian of several."""
    try:
        floats(program.signature)
    except DiagnosticError:
        return ("value",)
    output = program.signature.output
    if isinstance(output, Scalar):
        return ("value", "gradient") if output.dtype in ir.FLOAT_DTYPES else ("value",)
    return ("value", "jacobian") if any(as_array(leaf).is_float for leaf in leaves(output)) else ("value",)


@dataclass(frozen=True)
class _Plan:
    """A function before its sizes are known: the programs whose results it gives, the names of these results and of
    what its derivatives are by; shapes are as the definition writes them."""

    kind: str
    program: Program
    parts: tuple[Program, ...]
    results: tuple[tuple[str, ArrayType], ...]
    columns: tuple[str, ...] = ()

    def meaning(self, names: Sequence[str]) -> tuple[str, ...]:
        """What the function computes, in the names that its results have in C."""
        inputs = ", ".join(name for name, _ in self.program.signature.inputs)
        line = f"{names[0]} = {self.program.name}({inputs})."
        if not self.columns:
            return (line,)
        column, last = self.columns[0], names[len(self.results) - len(self.columns)]
        if self.kind == "gradient":
            return (line, f"Its gradient: {last}[i...] is the derivative of {names[0]} by {column}[i...].")
        return (line, f"Its Jacobian: {last}[i..., j...] is the derivative of a result[i...] by {column}[j...].")


def _plan(program: Program, kind: str, wrt: Sequence[str] | None) -> _Plan:
    from .semantics.results import places

    own = program.signature
    values = tuple(zip(places(own.output, "value"), map(as_array, leaves(own.output)), strict=True))
    if kind == "value":
        return _Plan(kind, program, (program,), values)
    by = tuple(wrt) if wrt is not None else floats(own)
    derived = (value_and_grad if kind == "gradient" else jacobian)(program, by)
    types = dict(own.inputs)
    columns = tuple(place for name in by for place in places(_derived.tangent(types[name]), name))
    found = tuple(map(as_array, leaves(derived.signature.output)))
    if kind == "gradient":
        names = ["value", *(f"grad.{column}" for column in columns)]
        return _Plan(kind, program, (derived,), tuple(zip(names, found, strict=True)), columns)
    rows = [place.removeprefix("value") for place, type_ in values if type_.is_float]
    names = [f"jac{row}.{column}" for row in rows for column in columns]
    return _Plan(kind, program, (program, derived), (*values, *zip(names, found, strict=True)), columns)


def _function(plan: _Plan, sizes: Mapping[str, int], taken: Sequence[str], name: str) -> Function:
    from .codegen.artefacts.library import Array, Function, parameters
    from .semantics.results import places

    own = plan.program.signature
    inputs = [
        (place, as_array(leaf))
        for label, type_ in own.inputs
        if not isinstance(type_, SizeType)
        for place, leaf in zip(places(type_, label), leaves(type_), strict=True)
    ]
    first = _at_sizes(plan, sizes)
    counting = counted(first)
    names = parameters([place for place, _ in (*inputs, *plan.results)], taken)
    shapes = [f"[{', '.join(map(str, type_.shape))}]" for _, type_ in (*inputs, *plan.results)]
    types = [as_array(type_) for type_ in (*first.inputs, *first.output_types)]
    arrays = tuple(map(Array, names, types, shapes))
    given, results = arrays[: len(inputs)], arrays[len(inputs) :]
    meaning = plan.meaning([array.name for array in results])
    return Function(name, counting or first, given, results, counting is not None, meaning)


def _at_sizes(plan: _Plan, sizes: Mapping[str, int]) -> ir.Program:
    """The first-order program of a function at known sizes, with the arrays that its trace closes over as literals."""
    parts = [part.first(sizes) for part in plan.parts]
    captured = plan.program.captured
    types = [as_array(type_) for type_ in parts[0].inputs]
    b = Builder(plan.program.name, types[len(captured) :])
    literals = [b.constant(np.asarray(x), type_.dtype, np.shape(x)) for x, type_ in zip(captured, types, strict=False)]
    slots = [*literals, *range(len(b.inputs))]
    return b.build([slot for part in parts for slot in b.inline(part, slots)])
