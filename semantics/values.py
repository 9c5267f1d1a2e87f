"""Values against types: Python values enter, the flat arrays of a program leave.

A value of an array type is anything NumPy can read, a record is a dict, a tuple is a tuple. An array of tuples or
records is either a *tuple* (dict) of arrays, which is how results come back, or a *list* of tuples (dicts), which is
how people and JSON write it. Sizes are inferred from shapes; every misfit is a diagnostic that names the place and
what it wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..lang.constants import numpy_dtype
from ..lang.diagnostics import DiagnosticError, fail, suggest
from ..lang.ir import ArrayType, FunType, Signature, SlotType
from ..lang.ir import leaves as type_leaves
from ..lang.sizes import Poly, Size, show, substitute
from ..lang.types import Array, Fun, Record, Scalar, SizeType, Tuple, Type, show_type
from .interpreter import Closure, Variant


@dataclass(frozen=True, slots=True)
class Bound:
    """Inputs of one run: the arrays in slot order and the sizes that were inferred or given."""

    leaves: tuple[Any, ...]
    sizes: Mapping[str, int]


def bind(
    signature: Signature,
    sizes: Sequence[str],
    arguments: Sequence[Any] = (),
    named: Mapping[str, Any] | None = None,
    *,
    traced: bool = False,
) -> Bound:
    """Arrays and sizes for a call with positional and named values; raises diagnostics E161 to E166.

    `sizes` are the program's size variables; a named value for one of them that is no input states it. With `traced`,
    values that have a shape and a dtype are kept as they are, so that JAX may trace through.
    """
    values = _match_names(signature, sizes, arguments, dict(named or {}))
    binder = _Binder({}, traced)
    for name in sizes:
        if name in values and all(name != known for known, _ in signature.inputs):
            binder.state(name, values.pop(name))
    leaves: list[Any] = []
    for name, type_ in signature.inputs:
        leaves.extend(binder.leaves(values[name], type_, name, ()))
    binder.settle(sizes)
    return Bound(tuple(leaves), binder.sizes)


def plain_key(signature: Signature, arguments: Sequence[Any]) -> tuple[Any, ...] | None:
    """Shapes and dtypes of the arguments when each is one array of exactly the declared dtype, else None.

    Arguments with an equal key bind to the same sizes, and their arrays are the slots as they stand.
    """
    if len(arguments) != len(signature.inputs):
        return None
    key: list[Any] = []
    for value, (_, type_) in zip(arguments, signature.inputs, strict=True):
        element = type_.element if isinstance(type_, Array) else type_
        if not isinstance(element, Scalar):
            return None
        dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
        if type(value) is float and element.dtype == "f64":
            key.append(())
        elif dtype is not None and _DTYPES.get(element.dtype) == dtype and isinstance(shape, tuple):
            key.append(shape)
        else:
            return None
    return tuple(key)


_DTYPES = {name: numpy_dtype(name) for name in ("f64", "f32", "i64", "bool")}


def _match_names(
    signature: Signature, sizes: Sequence[str], arguments: Sequence[Any], named: dict[str, Any]
) -> dict[str, Any]:
    names = [name for name, _ in signature.inputs]
    if len(arguments) > len(names):
        raise fail(
            "E162",
            f"{len(arguments)} values for {len(names)} inputs",
            expected=show_inputs(signature),
            hint="give as many values as there are inputs; sizes come from the shapes",
        )
    values = dict(zip(names, arguments, strict=False))
    for name, value in named.items():
        if name in values:
            raise fail(
                "E162",
                f"the input `{name}` is given twice",
                expected=show_inputs(signature),
                hint="give it by position or by name, not both",
            )
        if name not in names and name not in sizes:
            raise fail(
                "E162",
                f"there is no input `{name}`",
                expected=show_inputs(signature),
                hint=suggest(name, names) or "use the names of the definition",
            )
        values[name] = value
    missing = [name for name in names if name not in values]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        given = ", ".join(values) or "nothing"
        hint = f"add it by name: {missing[0]}=…"
        raise fail("E161", f"no value for {listed}", expected=show_inputs(signature), actual=given, hint=hint)
    return values


def show_inputs(signature: Signature) -> str:
    """The inputs as a definition writes them: ``x: [n]f64, t: f64``."""
    return ", ".join(f"{name}: {show_type(type_)}" for name, type_ in signature.inputs) or "no inputs"


@dataclass
class _Binder:
    """Collects sizes while values are taken apart."""

    sizes: dict[str, int]
    traced: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    pending: list[tuple[Size, int, str]] = field(default_factory=list)

    def state(self, name: str, value: Any) -> None:
        """A size given as a number."""
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 0:
            raise fail(
                "E164",
                f"the size `{name}` must be a whole number, zero or more",
                actual=_brief(value),
                hint=f"for example {name}=10",
            )
        self.meet(Poly(((((name, 1),), 1),)), int(value), f"`{name}`")

    def meet(self, size: Size, length: int, place: str) -> None:
        """Require a size to equal a length; unknown variables are solved now or later."""
        size = substitute(size, self.sizes)
        if isinstance(size, int):
            if size != length:
                raise fail("E165", f"{place} has length {length}, but {size} is needed", hint=self._because())
            return
        solved = _solve(size, length)
        if solved is None:
            self.pending.append((size, length, place))
            return
        name, value = solved
        if value is None or value < 0:
            hint = f"{name} is a whole number, zero or more: give an array of another length"
            raise fail("E165", f"{place} has length {length}, which is no value of {show(size)}", hint=hint)
        self.sizes[name] = value
        self.sources[name] = place

    def settle(self, names: Sequence[str]) -> None:
        """Solve what was put off and check that every size is known."""
        while self.pending:
            before = len(self.pending)
            waiting, self.pending = self.pending, []
            for size, length, place in waiting:
                self.meet(size, length, place)
            if len(self.pending) == before:
                break
        unknown = [name for name in names if name not in self.sizes]
        if unknown:
            listed = ", ".join(f"`{name}`" for name in unknown)
            raise fail("E166", f"no input determines the size {listed}", hint=f"give it by name: {unknown[0]}=10")

    def _because(self) -> str:
        known = [f"{name} = {self.sizes[name]} from {place}" for name, place in self.sources.items()]
        return ", ".join(known) or "the type fixes this length"

    def leaves(self, value: Any, type_: Type, place: str, shape: tuple[Size, ...]) -> Iterator[Any]:
        """The arrays of a value whose leading axes are `shape` and whose elements have the type."""
        match type_:
            case Array(inner, element):
                yield from self.leaves(value, element, place, shape + inner)
            case Scalar(dtype):
                yield self.array(value, dtype, shape, place)
            case Tuple(items):
                parts = _parts(value, type_, shape, place)
                for index, (part, item) in enumerate(zip(parts, items, strict=True)):
                    yield from self.leaves(part, item, f"{place}.{index}", shape)
            case Record(fields):
                names = tuple(name for name, _ in fields)
                parts = _fields(value, names, shape, place, type_)
                for name, item in fields:
                    yield from self.leaves(parts[name], item, f"{place}.{name}", shape)
            case SizeType():
                self.state(place.rpartition(".")[2], value)
            case Fun():
                if not isinstance(value, Closure) or not _is_function(value, type_):
                    raise _opaque(place, "a program of this type", type_, value)
                yield value
            case _:
                if not isinstance(value, Variant):
                    raise _opaque(place, "a value that a program has built", type_, value)
                yield value

    def array(self, value: Any, dtype: str, shape: tuple[Size, ...], place: str) -> Any:
        """A value as an array of the dtype and rank, without losing anything silently."""
        traced = self.traced and hasattr(value, "dtype") and hasattr(value, "shape")
        array = value if traced else _read_array(value, dtype, place, shape)
        if array.ndim != len(shape):
            raise fail(
                "E163",
                f"`{place}` has {array.ndim} axes, but {len(shape)} are needed",
                expected=_show_array(shape, dtype),
                actual=_show_array(array.shape, str(array.dtype)),
                hint=_RANK_HINTS.get(len(shape), f"give lists nested {len(shape)} deep, or an array of that many axes"),
            )
        for axis, (size, length) in enumerate(zip(shape, array.shape, strict=True)):
            where = f"`{place}`" if array.ndim == 1 else f"axis {axis} of `{place}`"
            self.meet(size, length, where)
        return array if traced else array.astype(numpy_dtype(dtype), copy=False)


_RANK_HINTS = {0: "give one number", 1: "give a list of numbers, [1, 2, 3]", 2: "give rows, [[1, 2], [3, 4]]"}


def _opaque(place: str, what: str, type_: Type, value: Any) -> DiagnosticError:
    actual = value.program.name if isinstance(value, Closure) else _brief(value)
    hint = "take functions and variants from a program: module[name], or the result of a call"
    return fail("E164", f"`{place}` must be {what}", expected=show_type(type_), actual=actual, hint=hint)


def _is_function(value: Closure, type_: Type) -> bool:
    """Whether a function value takes and gives arrays of these dtypes and ranks."""
    (wanted,) = type_leaves(type_)
    assert isinstance(wanted, FunType)
    inputs = value.program.inputs[len(value.captured) :]
    return _kinds(inputs) == _kinds(wanted.inputs) and _kinds(value.program.output_types) == _kinds(wanted.outputs)


def _kinds(types: Sequence[SlotType]) -> list[object]:
    return [(type_.dtype, type_.rank) if isinstance(type_, ArrayType) else type(type_) for type_ in types]


def _solve(size: Poly, length: int) -> tuple[str, int | None] | None:
    """The value of the one variable of a linear size, None inside when it is not whole; None when not linear."""
    terms = dict(size.terms)
    constant = terms.pop((), 0)
    if len(terms) != 1:
        return None
    ((monomial, factor),) = terms.items()
    if len(monomial) != 1 or monomial[0][1] != 1:
        return None
    quotient, rest = divmod(length - constant, factor)
    return monomial[0][0], None if rest else quotient


def _read_array(value: Any, dtype: str, place: str, shape: tuple[Size, ...]) -> np.ndarray:
    typed = hasattr(value, "dtype")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        raise fail(
            "E163",
            f"`{place}` is ragged",
            expected=_show_array(shape, dtype),
            actual=_brief(value),
            hint="give every row the same length",
        ) from None
    if array.size == 0 and not typed:
        return array.astype(numpy_dtype(dtype))
    target = numpy_dtype(dtype)
    fits = np.can_cast(array.dtype, target, "safe") if typed else array.dtype.kind in _KINDS[target.kind]
    if target.kind != "b" and array.dtype.kind == "b":
        fits = False
    if target.kind in "iu" and array.dtype.kind in "iu":  # whole numbers fit when none of them changes
        ends = np.iinfo(target)
        fits = bool(array.max(initial=0) <= ends.max and array.min(initial=0) >= ends.min)
    if not fits:
        hint = _DTYPE_HINTS[target.kind]
        if target.kind == "f" and array.dtype.kind == "f":
            hint = f"convert it first, x.astype('{target}'), or the program, program.astype('f64')"
        raise fail(
            "E164",
            f"`{place}` does not hold {dtype} numbers" if dtype != "bool" else f"`{place}` does not hold booleans",
            expected=_show_array(shape, dtype),
            actual=_brief(value)
            if array.dtype.kind == "O" or not array.ndim
            else _show_array(array.shape, str(array.dtype)),
            hint=hint,
        )
    return array


_DTYPE_HINTS = {
    "f": "give numbers such as 1.5",
    "i": "give whole numbers; floats are not rounded",
    "u": "give whole numbers, zero or more",
    "b": "give true or false, in Python True or False",
}
_KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}


def _parts(value: Any, type_: Tuple, shape: tuple[Size, ...], place: str) -> Sequence[Any]:
    """The parts of a tuple, or of a value of the host that stands for one."""
    if type_.node is None or shape:
        return _columns(value, len(type_.items), shape, place, type_)
    try:
        return type_.node.parts(value)
    except (ValueError, TypeError) as error:
        hint = "give a value of the structure that the function was traced with"
        raise fail("E163", f"`{place}` has another structure: {error}", actual=_brief(value), hint=hint) from None


def _columns(value: Any, count: int, shape: tuple[Size, ...], place: str, type_: Type) -> Sequence[Any]:
    """The parts of a tuple, or of an array of tuples given either way round."""
    is_table = isinstance(value, np.ndarray) and value.ndim > len(shape) and value.shape[len(shape)] == count
    if shape and is_table:
        return [value[(slice(None),) * len(shape) + (index,)] for index in range(count)]
    if shape and isinstance(value, list):
        rows = [_columns(row, count, shape[1:], f"{place}[{index}]", type_) for index, row in enumerate(value)]
        return [[row[index] for row in rows] for index in range(count)]
    if isinstance(value, (tuple, list)) and len(value) == count:
        return value
    actual = f"{len(value)} items" if isinstance(value, (tuple, list)) else _brief(value)
    hint = "give a tuple of arrays or a list of tuples" if shape else f"give a tuple of {count} values"
    raise fail("E163", f"`{place}` must be {count} values", expected=show_type(type_), actual=actual, hint=hint)


def _fields(value: Any, names: tuple[str, ...], shape: tuple[Size, ...], place: str, type_: Type) -> Mapping[str, Any]:
    """The parts of a record, or of an array of records given either way round."""
    if shape and isinstance(value, list):
        rows = [_fields(row, names, shape[1:], f"{place}[{index}]", type_) for index, row in enumerate(value)]
        return {name: [row[name] for row in rows] for name in names}
    if not isinstance(value, Mapping):
        hint = "give a dict; on the command line {" + ", ".join(f"{name} = …" for name in names) + "}"
        raise fail("E163", f"`{place}` must be a record", expected=show_type(type_), actual=_brief(value), hint=hint)
    wrong = sorted(set(names) ^ {str(name) for name in value})
    if wrong:
        verb = "lacks" if wrong[0] in names else "has an unknown field"
        raise fail(
            "E163",
            f"`{place}` {verb} `{wrong[0]}`",
            expected=show_type(type_),
            actual=", ".join(map(str, value)),
            hint=f"give exactly the fields {', '.join(names)}",
        )
    return value


def _show_array(shape: Sequence[Size], dtype: str) -> str:
    short = {"float64": "f64", "float32": "f32", "int64": "i64", "object": "mixed values"}.get(dtype, dtype)
    return f"[{', '.join(show(size) for size in shape)}]{short}" if shape else short


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
