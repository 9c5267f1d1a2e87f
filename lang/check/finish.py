"""The end of an inference: unknowns are defaulted, conditions decided, and what was learnt becomes a `Typing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import types as ty
from ..diagnostics import Diagnostic, DiagnosticError
from ..sizes import Size, mul, show, sub, substitute, variable, variables
from ..source import Span
from ..typed import ConstructorName, Global, Meaning, Typing
from .core import Checker, Condition
from .prove import decide, decide_zero, proved
from .unify import ERROR, Mismatch, SizeOf, is_unknown

Conditions = tuple[tuple[Size, int, Span], ...]


@dataclass
class Zonker:
    """Replaces solved unknowns and defaults open literals; remembers the first unknown nothing determined."""

    checker: Checker
    ambiguous: str | None = None
    not_data: ty.Type | None = None

    def type(self, type_: ty.Type) -> ty.Type:
        """The final type."""
        if type(type_) is ty.Scalar:
            return type_
        unifier = self.checker.unifier
        head = unifier.head(type_)
        match head:
            case ty.Var(name) if head is not ERROR and is_unknown(head):
                return self._open(name)
            case ty.Array(shape, element):
                inner = self.type(element)
                if _holds_functions(inner):
                    self.not_data = self.not_data or inner
                return ty.array(tuple(self.size(size) for size in shape), inner)
            case ty.Tuple(items):
                return ty.Tuple(tuple(self.type(item) for item in items))
            case ty.Record(fields):
                return ty.Record(tuple((name, self.type(item)) for name, item in fields))
            case ty.Fun(parameters, result):
                return ty.Fun(tuple(self.type(item) for item in parameters), self.type(result))
            case ty.Data(name, arguments):
                return ty.Data(name, tuple(self.type(item) for item in arguments))
            case SizeOf():
                return ty.SizeType()
            case _:
                return head

    def _open(self, name: str) -> ty.Type:
        class_ = self.checker.unifier.classes.get(name)
        if class_ is None:
            self.ambiguous = self.ambiguous or name
            return ERROR
        return ty.Scalar(self.checker.scope.real) if class_ == "float" else ty.I64

    def size(self, size: Size) -> Size:
        """The final size."""
        if isinstance(size, int):
            return size
        size = self.checker.unifier.size(size)
        for name in sorted(variables(size)):
            if name[0] == "?":
                self.ambiguous = self.ambiguous or name
        return size

    def meaning(self, meaning: Meaning) -> Meaning:
        match meaning:
            case Global(module, name, types, sizes) if types or sizes:
                return Global(module, name, tuple(self.type(t) for t in types), tuple(self.size(s) for s in sizes))
            case ConstructorName(module, data, tag, types) if types:
                return ConstructorName(module, data, tag, tuple(self.type(t) for t in types))
            case _:
                return meaning


def _holds_functions(type_: ty.Type) -> bool:
    match type_:
        case ty.Fun() | ty.Data():
            return True
        case ty.Tuple(items):
            return any(_holds_functions(item) for item in items)
        case ty.Record(fields):
            return any(_holds_functions(item) for _, item in fields)
        case _:
            return False


def finish(checker: Checker, whole: Span) -> tuple[Typing, Conditions]:
    """The typing of a definition or test and the conditions left on its sizes; errors go to the checker."""
    _settle(checker)
    failed = any(item.severity == "error" for item in checker.diagnostics)
    zonker = Zonker(checker)
    types: Mapping[int, ty.Type] = {key: zonker.type(type_) for key, type_ in checker.types.items()}
    meanings = {key: zonker.meaning(meaning) for key, meaning in checker.meanings.items()}
    if zonker.not_data is not None and not failed:
        checker.diagnostics.append(
            Diagnostic(
                "E057",
                "arrays hold numbers, booleans, and tuples and records of them",
                whole,
                actual=ty.show_type(zonker.not_data),
                hint="use `data` for a sequence of such values",
            )
        )
    elif zonker.ambiguous is not None and not failed:
        _report_ambiguous(checker, zonker.ambiguous, whole)
    return Typing(types, meanings, tuple(checker.unproved)), decide_conditions(checker)


def final_type(checker: Checker, type_: ty.Type) -> ty.Type:
    """A type for use outside its definition; `ERROR` when something in it stayed open."""
    zonker = Zonker(checker)
    found = zonker.type(type_)
    return found if zonker.ambiguous is None else ERROR


def _report_ambiguous(checker: Checker, name: str, whole: Span) -> None:
    size = checker.unifier.size_names.get(name)
    what = f"the size `{size}`" if size is not None else "the type of this expression"
    checker.diagnostics.append(
        Diagnostic(
            "E051",
            f"nothing determines {what}",
            checker.unifier.origins.get(name, whole),
            hint="annotate it: `let x: … = … in …`",
        )
    )


def _settle(checker: Checker) -> None:
    """Equations between sizes that waited, and solutions that must not be negative."""
    unifier = checker.unifier
    try:
        rest = unifier.settle()
    except DiagnosticError as error:
        checker.diagnostics.extend(error.diagnostics)
        return
    except Mismatch:
        size, span = unifier.waiting[0]
        size = unifier.size(size)
        open_names = {n: variable(unifier.size_names[n]) for n in variables(size) if n[0] == "?"}
        size = substitute(size, open_names)
        checker.diagnostics.append(
            Diagnostic(
                "E033",
                f"these sizes cannot agree: {show(size)} would have to be 0",
                span,
                hint="write the sizes of the parameters out: [n], [m], [n + 1]",
            )
        )
        return
    for size, span in rest:
        checker.conditions.append(Condition(size, None, span, (), "two sizes that must agree"))
    for size, span in unifier.non_negative:
        checker.conditions.append(Condition(size, 0, span, (), "a size"))


def decide_conditions(checker: Checker) -> Conditions:
    """Conditions proved are dropped, refuted ones reported (E041), the rest stays on the signature."""
    left: dict[Size, tuple[int, Span]] = {}
    for condition in checker.conditions:
        size = checker.unifier.size(condition.size)
        if any(name[0] == "?" for name in variables(size)):
            continue
        facts = tuple(checker.unifier.size(fact) for fact in condition.facts)
        facts = tuple(fact for fact in facts if not variables(fact) & checker.bounds.keys())
        if condition.least is None:
            verdict, model = decide_zero(size, facts)
        else:
            verdict, model = decide(sub(size, condition.least), facts)
        if verdict == "fails":
            checker.diagnostics.append(_refuted(checker, condition, size, model))
        elif verdict == "open":
            for row in _rows(size, condition.least):
                known = left.get(row[0])
                if not proved(sub(*row), (), {}) and (known is None or known[0] < row[1]):
                    left[row[0]] = row[1], condition.span
    return tuple((size, least, span) for size, (least, span) in left.items())


def _rows(size: Size, least: int | None) -> list[tuple[Size, int]]:
    """``size >= least`` with the constant on the right, or both directions of ``size = 0``."""
    if least is None:
        return _rows(size, 0) + _rows(mul(-1, size), 0)
    if isinstance(size, int):
        return [(size, least)]
    constant = dict(size.terms).get((), 0)
    return [(sub(size, constant), least - constant)]


def _refuted(checker: Checker, condition: Condition, size: Size, model: Mapping[str, int]) -> Diagnostic:
    value = substitute(size, dict(model))
    if isinstance(size, int):
        actual = show(size)
    else:
        values = ", ".join(f"{name} = {number}" for name, number in model.items())
        actual = f"{show(size)}" + (f", which is {show(value)} for {values}" if model else "")
    if condition.least is None:
        message = f"{condition.what} changes the number of elements"
        expected = "a difference of 0 elements"
    else:
        message = f"{condition.what} is not possible"
        expected = f"at least {condition.least}"
    hint = "change the size here, or ask for larger arrays in the signature: [n + 1]"
    return Diagnostic("E041", message, condition.span, (), expected, actual, hint)
