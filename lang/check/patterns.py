"""Patterns: binding them to a type, and `match` with its coverage.

What is missing or unreachable is found as in Maranget, Warnings for pattern matching (JFP 17, 2007).
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import types as ty
from ..diagnostics import Diagnostic, fail, suggest
from ..sizes import Size
from ..surface import ast
from ..typed import Local
from .core import Checker, Entry, rule
from .report import show_open
from .unify import ERROR


def bind_pattern(checker: Checker, pattern: ast.Pattern, type_: ty.Type, value: Size | None = None) -> None:
    """Bind the names of a pattern that stands for a value of a type; raises E046, E045, E032."""
    checker.types[id(pattern)] = type_
    match pattern:
        case ast.PatternName(name=name):
            if name != "_":
                checker.bind(name, Entry(Local(name), type_, value))
        case ast.PatternTuple(items=items):
            for item, part in zip(items, _tuple_parts(checker, pattern, type_), strict=True):
                bind_pattern(checker, item, part)
        case ast.PatternRecord(names=names):
            _bind_record(checker, pattern, names, type_)
        case ast.PatternConstructor():
            _bind_constructor(checker, pattern, type_)
        case ast.PatternNumber():
            checker.demand(type_, ty.I64, pattern, "the subject of a pattern that is an integer")


def names_of(pattern: ast.Pattern) -> Iterator[ast.PatternName]:
    """The names a pattern binds."""
    match pattern:
        case ast.PatternName():
            yield pattern
        case ast.PatternTuple(items=items) | ast.PatternConstructor(items=items):
            for item in items:
                yield from names_of(item)
        case _:
            return


def _tuple_parts(checker: Checker, pattern: ast.PatternTuple, type_: ty.Type) -> tuple[ty.Type, ...]:
    found = checker.head(type_)
    if found is ERROR:
        return (ERROR,) * len(pattern.items)
    if isinstance(found, ty.Tuple) and len(found.items) != len(pattern.items):
        raise fail(
            "E047",
            f"this pattern has {len(pattern.items)} places, the value {len(found.items)}",
            pattern.span,
            actual=show_open(checker.unifier, found),
            hint="write `_` for a place that is not needed",
        )
    if not isinstance(found, ty.Tuple):
        fresh = ty.Tuple(tuple(checker.unifier.fresh() for _ in pattern.items))
        checker.demand(type_, fresh, pattern, "the value taken apart here")
        return fresh.items
    return found.items


def _bind_record(checker: Checker, pattern: ast.PatternRecord, names: tuple[str, ...], type_: ty.Type) -> None:
    found = checker.head(type_)
    if found is ERROR:
        for name in names:
            checker.bind(name, Entry(Local(name), ERROR))
        return
    if not isinstance(found, ty.Record):
        raise fail(
            "E047",
            "this pattern takes a record apart",
            pattern.span,
            actual=show_open(checker.unifier, found),
            hint="a name alone binds the whole value",
        )
    fields = dict(found.fields)
    for name in names:
        if name not in fields:
            raise fail(
                "E042",
                f"this record has no field `{name}`",
                pattern.span,
                actual=show_open(checker.unifier, found),
                hint=suggest(name, fields),
            )
        checker.bind(name, Entry(Local(name), fields[name]))


def _bind_constructor(checker: Checker, pattern: ast.PatternConstructor, type_: ty.Type) -> None:
    found = checker.scope.constructor(pattern.name)
    if found is None:
        hint = suggest(pattern.name, checker.scope.constructor_words())
        raise fail(
            "E045",
            f"there is no constructor `{pattern.name}`",
            pattern.span,
            hint=hint or "a pattern that begins with a capital letter is a constructor",
        )
    meaning, fields, result = checker.construct(*found)
    checker.meanings[id(pattern)] = meaning
    checker.demand(result, type_, pattern, f"the pattern `{pattern.name}`")
    if len(pattern.items) != len(fields):
        shown = ", ".join(show_open(checker.unifier, field) for field in fields)
        raise fail(
            "E046",
            f"`{pattern.name}` has {len(fields)} fields, the pattern {len(pattern.items)}",
            pattern.span,
            expected=f"{pattern.name}({shown})" if fields else pattern.name,
            hint="write `_` for a field that is not needed",
        )
    for item, field in zip(pattern.items, fields, strict=True):
        bind_pattern(checker, item, field)


# --- match ----------------------------------------------------------------------------------------


@rule(ast.Match)
def match_(checker: Checker, node: ast.Match, hint: ty.Type | None) -> ty.Type:
    subject = checker.infer(node.subject)
    result = hint
    first: ty.Type | None = None
    for arm in node.arms:
        with checker.inside():
            distinct(arm.pattern)
            bind_pattern(checker, arm.pattern, subject)
            found = checker.infer(arm.body, result)
        if first is None:
            first = found
            result = found if result is None else result
        else:
            checker.demand(found, first, arm.body, "this arm of `match`")
    _coverage(checker, node)
    return first if first is not None else checker.unifier.fresh(None, node.span)


def distinct(pattern: ast.Pattern) -> None:
    """Raise E050 when a pattern binds a name twice."""
    seen: set[str] = set()
    for name in names_of(pattern):
        if name.name in seen and name.name != "_":
            raise fail(
                "E050",
                f"`{name.name}` is bound twice in this pattern",
                name.span,
                hint="write `_` for a place that is not needed",
            )
        seen.add(name.name)


MOST_STEPS = 20_000  # the search is exponential in the worst case

Row = tuple[ast.Pattern, ...]
Witness = tuple[str, ...]


def _coverage(checker: Checker, node: ast.Match) -> None:
    """E043 when a value is left over, the warning E044 for an arm that no value reaches."""
    rows: list[Row] = []
    checker.coverage_steps = 0
    for arm in node.arms:
        if _missing(checker, rows, (arm.pattern,)) is None:
            checker.diagnostics.append(
                Diagnostic(
                    "E044",
                    "no value reaches this arm",
                    arm.pattern.span,
                    severity="warning",
                    hint="the arms above match everything it could",
                )
            )
        rows.append((arm.pattern,))
    wild = ast.PatternName(span=node.span, name="_")
    witness = _missing(checker, rows, (wild,))
    if witness is not None:
        raise fail(
            "E043",
            f"this `match` does not say what to do with `{witness[0]}`",
            node.subject.span,
            hint=f"add an arm `{witness[0]} => …`",
        )


def _missing(checker: Checker, rows: list[Row], query: Row) -> Witness | None:
    """A value of the shape `query` that no row matches, None when the rows match all of them."""
    checker.coverage_steps += 1
    if not query:
        return None if rows else ()
    if checker.coverage_steps > MOST_STEPS:
        message = "this `match` combines too many cases to tell whether it is complete"
        raise fail("E064", message, query[0].span, hint="match one part after the other, in nested `match`es")
    head, rest = query[0], query[1:]
    match head:
        case ast.PatternConstructor(name=name, items=items):
            found = _missing(checker, _specialise(rows, name, len(items)), items + rest)
            return None if found is None else (_apply(name, found[: len(items)]), *found[len(items) :])
        case ast.PatternTuple(items=items):
            found = _missing(checker, _specialise_tuple(rows, len(items)), items + rest)
            return None if found is None else (_tuple(found[: len(items)]), *found[len(items) :])
        case ast.PatternNumber(value=value):
            found = _missing(checker, _specialise_number(rows, value), rest)
            return None if found is None else (str(value), *found)
        case _:
            return _missing_any(checker, rows, head, rest)


def _missing_any(checker: Checker, rows: list[Row], head: ast.Pattern, rest: Row) -> Witness | None:
    firsts = [row[0] for row in rows]
    if any(isinstance(p, ast.PatternTuple) for p in firsts):
        width = next(len(p.items) for p in firsts if isinstance(p, ast.PatternTuple))
        return _missing(checker, rows, (ast.PatternTuple(span=head.span, items=_wilds(head, width)), *rest))
    used = {p.name for p in firsts if isinstance(p, ast.PatternConstructor)}
    if used:
        found = checker.scope.constructor(next(iter(used)))
        assert found is not None
        if len(used) == len(found[0].constructors):
            for name, fields in found[0].constructors:
                case = ast.PatternConstructor(span=head.span, name=name, items=_wilds(head, len(fields)))
                witness = _missing(checker, rows, (case, *rest))
                if witness is not None:
                    return witness
            return None
        defaults = _missing(checker, _default(rows), rest)
        if defaults is None:
            return None
        name, fields = next((n, f) for n, f in found[0].constructors if n not in used)
        return (_apply(name, ("_",) * len(fields)), *defaults)
    numbers = {p.value for p in firsts if isinstance(p, ast.PatternNumber)}
    defaults = _missing(checker, _default(rows), rest)
    if defaults is None:
        return None
    if numbers:
        return (str(next(k for k in range(len(numbers) + 1) if k not in numbers)), *defaults)
    return ("_", *defaults)


def _wilds(head: ast.Pattern, count: int) -> Row:
    return tuple(ast.PatternName(span=head.span, name="_") for _ in range(count))


def _apply(name: str, arguments: Witness) -> str:
    return f"{name}({', '.join(arguments)})" if arguments else name


def _tuple(items: Witness) -> str:
    return f"({', '.join(items)})"


def _is_wild(pattern: ast.Pattern) -> bool:
    return isinstance(pattern, (ast.PatternName, ast.PatternRecord))


def _specialise(rows: list[Row], name: str, width: int) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        if _is_wild(row[0]):
            kept.append(_wilds(row[0], width) + row[1:])
        elif isinstance(row[0], ast.PatternConstructor) and row[0].name == name and len(row[0].items) == width:
            kept.append(row[0].items + row[1:])
    return kept


def _specialise_tuple(rows: list[Row], width: int) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        if _is_wild(row[0]):
            kept.append(_wilds(row[0], width) + row[1:])
        elif isinstance(row[0], ast.PatternTuple):
            kept.append(row[0].items + row[1:])
    return kept


def _specialise_number(rows: list[Row], value: int) -> list[Row]:
    return [
        row[1:] for row in rows if _is_wild(row[0]) or (isinstance(row[0], ast.PatternNumber) and row[0].value == value)
    ]


def _default(rows: list[Row]) -> list[Row]:
    return [row[1:] for row in rows if _is_wild(row[0])]
