"""Mismatches in words: two types enter, a diagnostic with aligned shapes, origins of sizes and a hint leaves."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import Diagnostic, Label
from ..sizes import Size, show, sub, substitute, variable, variables
from ..source import Span
from .annotations import Generics
from .unify import SizeOf, Unifier, is_unknown


def show_open(unifier: Unifier, type_: ty.Type) -> str:
    """A type that may hold unknowns: `_` for an open type, `number` for an integer literal, `?n` for an open size."""
    type_ = unifier.resolve(type_)
    names: dict[str, ty.Type] = {}
    sizes: dict[str, Size] = {}
    _collect(unifier, type_, names, sizes)
    shown = ty.substitute_type(_plain(type_), names, sizes)
    return ty.show_type(shown)


def _plain(type_: ty.Type) -> ty.Type:
    match type_:
        case SizeOf():
            return ty.SizeType()
        case ty.Fun(parameters, result):
            return ty.Fun(tuple(_plain(item) for item in parameters), _plain(result))
        case _:
            return type_


def _collect(unifier: Unifier, type_: ty.Type, names: dict[str, ty.Type], sizes: dict[str, Size]) -> None:
    match type_:
        case ty.Var(name) if is_unknown(type_):
            class_ = unifier.classes.get(name)
            names[name] = ty.Var({"float": unifier.real, "number": "number", "scalar": "scalar"}.get(class_ or "", "_"))
        case ty.Array(shape, element):
            for size in shape:
                sizes.update({n: variable(f"?{unifier.size_names[n]}") for n in variables(size) if n[0] == "?"})
            _collect(unifier, element, names, sizes)
        case ty.Tuple(items) | ty.Data(_, items):
            for item in items:
                _collect(unifier, item, names, sizes)
        case ty.Record(fields):
            for _, item in fields:
                _collect(unifier, item, names, sizes)
        case ty.Fun(parameters, result):
            for item in (*parameters, result):
                _collect(unifier, item, names, sizes)
        case _:
            pass


def mismatch(
    unifier: Unifier,
    generics: Generics,
    expected: ty.Type,
    actual: ty.Type,
    span: Span,
    what: str,
    reason: str,
    labels: tuple[Label, ...] = (),
) -> Diagnostic:
    """E033 when only shapes differ, E059 for an infinite type, E032 otherwise."""
    wanted, found = unifier.resolve(expected), unifier.resolve(actual)
    shapes = reason == "shape" or _differ_in_shape(unifier, wanted, found)
    code = "E059" if reason == "infinite" else "E033" if shapes else "E032"
    texts = align(show_open(unifier, wanted), show_open(unifier, found))
    if code == "E059":
        message = f"{what} would have a type that contains itself"
    elif code == "E033":
        message = f"{what} has the wrong shape"
    else:
        message = f"{what} has the wrong type"
    notes = labels + size_labels(unifier, generics, expected, actual, span)
    return Diagnostic(code, message, span, notes, *texts, hint=hint(wanted, found, reason))


def _differ_in_shape(unifier: Unifier, wanted: ty.Type, found: ty.Type) -> bool:
    """Whether both are arrays or scalars of the same element."""
    elements = [t.element if isinstance(t, ty.Array) else t for t in (wanted, found)]
    if not any(isinstance(t, ty.Array) for t in (wanted, found)):
        return False
    number = [isinstance(e, ty.Scalar) or unifier.class_of(e) is not None for e in elements]
    if isinstance(elements[0], ty.Scalar) and isinstance(elements[1], ty.Scalar):
        return elements[0] == elements[1]
    return all(number)


def align(expected: str, actual: str) -> tuple[str, str]:
    """Right-align the entries of two shapes of equal rank, so that differing ones stand under each other."""
    if not (expected.startswith("[") and actual.startswith("[")):
        return expected, actual
    first, rest = expected[1:].split("]", 1)
    second, other = actual[1:].split("]", 1)
    ones, others = first.split(", "), second.split(", ")
    if len(ones) != len(others):
        return expected, actual
    widths = [max(len(a), len(b)) for a, b in zip(ones, others, strict=True)]

    def row(entries: list[str], tail: str) -> str:
        return "[" + ", ".join(e.rjust(w) for e, w in zip(entries, widths, strict=True)) + "]" + tail

    return row(ones, rest), row(others, other)


def size_labels(
    unifier: Unifier, generics: Generics, expected: ty.Type, actual: ty.Type, span: Span
) -> tuple[Label, ...]:
    """Where each size of the two types comes from: its declaration, or the argument that fixed it."""
    labels: dict[tuple[int, int, str], Label] = {}
    for type_ in (expected, actual):
        for name in sorted(_size_variables(unifier, type_)):
            if name in unifier.bound_at and unifier.bound_at[name] != span:
                value = unifier.size(variable(name))
                if any(inner[0] == "?" for inner in variables(value)) or show(value) == unifier.size_names[name]:
                    continue
                label = Label(unifier.bound_at[name], f"{unifier.size_names[name]} = {show(value)} comes from here")
                labels[(label.span.start, label.span.end, label.text)] = label
        for name in sorted(_size_variables(unifier, unifier.resolve(type_))):
            if name in generics.sizes:
                where = generics.sizes[name]
                labels[(where.start, where.end, name)] = Label(where, f"the size {name} is declared here")
    return tuple(list(labels.values())[:4])


def _size_variables(unifier: Unifier, type_: ty.Type) -> set[str]:
    match type_:
        case ty.Array(shape, element):
            return set().union(*(variables(size) for size in shape)) | _size_variables(unifier, element)
        case ty.Tuple(items) | ty.Data(_, items):
            return set().union(*(_size_variables(unifier, item) for item in items))
        case ty.Record(fields):
            return set().union(*(_size_variables(unifier, item) for _, item in fields))
        case ty.Fun(parameters, result):
            return set().union(*(_size_variables(unifier, item) for item in (*parameters, result)))
        case SizeOf(size):
            return set(variables(size))
        case _:
            return set()


def hint(wanted: ty.Type, found: ty.Type, reason: str) -> str | None:
    """One thing to do about a mismatch."""
    match wanted, found:
        case ty.Array(shape, _), ty.Array(other, _):
            if shape != other and shape == tuple(reversed(other)):
                return "the axes are the other way round: `transpose(…)`"
            if len(shape) == len(other):
                return _size_hint(shape, other)
            if len(shape) > len(other):
                return "an axis is missing: `for i < n => …` builds one"
            return "there is an axis too many: index it, `x[i]`, or reduce it, e.g. `sum(…)`"
        case ty.Array(), ty.Scalar():
            return "a scalar stands where an array is needed: `for i < n => …` builds one"
        case ty.Scalar(), ty.Array():
            return "index the array, `x[i]`, reduce it, e.g. `sum(…)`, or write `for i < n => …` around the expression"
        case ty.Scalar("f64" | "f32" as dtype), ty.Scalar("i64"):
            return f"convert the integer: `{dtype}(…)`"
        case ty.Scalar("i64"), ty.Scalar("f64" | "f32"):
            return "`i64(…)` rounds towards zero; `floor`, `round` keep the float"
        case ty.Scalar("f64" | "f32" as dtype), ty.Scalar("f64" | "f32"):
            return f"types are exact: convert with `{dtype}(…)`"
        case ty.Record(first), ty.Record(second) if reason == "fields":
            if sorted(name for name, _ in first) == sorted(name for name, _ in second):
                return "the same fields in another order: write them in the expected order"
            return "records have exactly the same fields in the same order"
        case _, ty.Fun() if not isinstance(wanted, ty.Fun) and not is_unknown(wanted):
            return "this is a function: call it with `(…)`"
        case _:
            return None


def _size_hint(shape: tuple[Size, ...], other: tuple[Size, ...]) -> str | None:
    for one, another in zip(shape, other, strict=True):
        gap = sub(one, another)
        if gap == 0:
            continue
        if gap in (1, -1):
            return f"off by one: {show(another)} where {show(one)} is needed"
        if not isinstance(gap, int):
            example = substitute_example(gap)
            return f"{show(one)} and {show(another)} can differ, for example {example}" if example else None
        return None
    return None


def substitute_example(gap: Size) -> str | None:
    """Small values of the size variables at which a polynomial is not zero."""
    names = sorted(variables(gap))
    if not names or any(name[0] == "?" for name in names):
        return None
    values: dict[str, Size] = {name: place + 1 for place, name in enumerate(names)}
    if substitute(gap, values) == 0:
        values = {name: 2 * place + 3 for place, name in enumerate(names)}
    return ", ".join(f"{name} = {value}" for name, value in values.items())
