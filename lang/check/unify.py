"""Unknowns and their solution: types and sizes that mention unknowns enter, bindings or a `Mismatch` leave.

Unknowns are variables whose name starts with ``?``: `Var("?3")` for types, the size variable ``?3`` for sizes. A type
unknown may be limited to a class: ``scalar`` (a number or bool), ``number``, ``float``; literals are such unknowns.
Sizes are equated by linear solving: only an unknown that occurs once, linearly, is ever solved for (the unification
of integer polynomials is undecidable in general; what is left waits until more is known).
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import types as ty
from ..sizes import Poly, Size, mul, sub, substitute, variable, variables
from ..source import Span
from .size_limits import limited

ERROR = ty.Var("?!")  # the type of what was already reported: it agrees with everything
CLASSES = {
    "scalar": frozenset({"f64", "f32", "i64", "bool"}),
    "number": frozenset({"f64", "f32", "i64"}),
    "float": frozenset({"f64", "f32"}),
}
STRENGTH = ("scalar", "number", "float")


@dataclass(frozen=True, slots=True)
class SizeOf:
    """Inside the checker: the type of an argument at a ``size`` parameter, which must be this very size."""

    size: Size


class Mismatch(Exception):
    """Two types or sizes cannot be equal; `reason` is ``type``, ``shape``, ``fields`` or ``infinite``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_unknown(type_: ty.Type) -> bool:
    return type(type_) is ty.Var and type_.name[0] == "?"


class Unifier:
    """The unknowns of one definition or one claim."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.types: dict[str, ty.Type] = {}
        self.sizes: dict[str, Size] = {}
        self.classes: dict[str, str] = {}
        self.size_names: dict[str, str] = {}  # unknown size -> the variable it stands for
        self.origins: dict[str, Span] = {}  # unknown -> where it was needed
        self.bound_at: dict[str, Span] = {}  # solved size -> the place that determined it
        self.waiting: list[tuple[Size, Span]] = []  # sizes that must turn out to be zero
        self.non_negative: list[tuple[Size, Span]] = []  # solutions that must not be negative
        self._count = 0

    def fresh(self, class_: str | None = None, span: Span | None = None) -> ty.Var:
        """A new unknown type."""
        self._count += 1
        name = f"?{self._count}"
        if class_ is not None:
            self.classes[name] = class_
        if span is not None:
            self.origins[name] = span
        return ty.Var(name)

    def fresh_size(self, stands_for: str, span: Span | None = None) -> Poly:
        """A new unknown size."""
        self._count += 1
        name = f"?{self._count}"
        self.size_names[name] = stands_for
        if span is not None:
            self.origins[name] = span
        return variable(name)

    # --- reading ----------------------------------------------------------------------------------

    def head(self, type_: ty.Type) -> ty.Type:
        """The type with its outermost unknown replaced, arrays of arrays joined."""
        while type(type_) is ty.Var and type_.name in self.types:
            target = self.types[type_.name]
            if type(target) is ty.Var and target.name in self.types:
                self.types[type_.name] = self.types[target.name]
            type_ = target
        if type(type_) is ty.Array and type(type_.element) is ty.Var:
            element = self.head(type_.element)
            if element is not type_.element:
                return ty.array(type_.shape, element)
        return type_

    def class_of(self, type_: ty.Type) -> str | None:
        """The class of an unknown, None for anything else."""
        return self.classes.get(type_.name) if type(type_) is ty.Var else None

    def size(self, size: Size) -> Size:
        """The size with every solved unknown replaced."""
        while not isinstance(size, int):
            (monomial, count), *others = size.terms
            if count == 1 and not others and len(monomial) == 1 and monomial[0][1] == 1:  # one variable: the usual case
                found = self.sizes.get(monomial[0][0])
                if found is None:
                    break
                size = found
                continue
            solved = {name: self.sizes[name] for name in variables(size) if name in self.sizes}
            if not solved:
                break
            size = substitute(size, solved)
        return size

    def resolve(self, type_: ty.Type) -> ty.Type:
        """The type with every solved unknown replaced; open ones stay."""
        type_ = self.head(type_)
        match type_:
            case ty.Array(shape, element):
                return ty.array(tuple(self.size(size) for size in shape), self.resolve(element))
            case ty.Tuple(items):
                return ty.Tuple(tuple(self.resolve(item) for item in items))
            case ty.Record(fields):
                return ty.Record(tuple((name, self.resolve(item)) for name, item in fields))
            case ty.Fun(parameters, result):
                return ty.Fun(tuple(self.resolve(item) for item in parameters), self.resolve(result))
            case ty.Data(name, arguments) if arguments:
                return ty.Data(name, tuple(self.resolve(item) for item in arguments))
            case SizeOf(size):
                return SizeOf(self.size(size))  # type: ignore[return-value]
            case _:
                return type_

    # --- types ------------------------------------------------------------------------------------

    def unify(self, left: ty.Type, right: ty.Type, span: Span) -> None:
        """Make two types equal, or raise `Mismatch`."""
        left, right = self.head(left), self.head(right)
        if left is right or left is ERROR or right is ERROR:
            return
        if is_unknown(left):
            self._bind(left, right)
        elif is_unknown(right):
            self._bind(right, left)
        else:
            self._unify_heads(left, right, span)

    def _unify_heads(self, left: ty.Type, right: ty.Type, span: Span) -> None:
        match left, right:
            case ty.Array(), ty.Array():
                self._unify_arrays(left, right, span)
            case ty.Tuple(first), ty.Tuple(second) if len(first) == len(second):
                self._unify_all(first, second, span)
            case ty.Record(first), ty.Record(second):
                if [name for name, _ in first] != [name for name, _ in second]:
                    raise Mismatch("fields")
                self._unify_all(tuple(item for _, item in first), tuple(item for _, item in second), span)
            case ty.Fun(first, result), ty.Fun(second, other) if len(first) == len(second):
                self._unify_all(first, second, span)
                self.unify(result, other, span)
            case ty.Data(name, first), ty.Data(other, second) if name == other:
                self._unify_all(first, second, span)
            case SizeOf(first), SizeOf(second):
                self.unify_size(first, second, span)
            case _:
                if left != right:
                    raise Mismatch("type")

    def _unify_all(self, first: tuple[ty.Type, ...], second: tuple[ty.Type, ...], span: Span) -> None:
        for one, other in zip(first, second, strict=True):
            self.unify(one, other, span)

    def _unify_arrays(self, left: ty.Array, right: ty.Array, span: Span) -> None:
        common = min(len(left.shape), len(right.shape))
        rest = ty.array(left.shape[common:], left.element), ty.array(right.shape[common:], right.element)
        shorter = rest[0] if len(left.shape) == common else rest[1]
        if len(left.shape) != len(right.shape) and not is_unknown(self.head(shorter)):
            raise Mismatch("shape")
        for one, other in zip(left.shape[:common], right.shape[:common], strict=True):
            self.unify_size(one, other, span)
        self.unify(*rest, span)

    def _bind(self, unknown: ty.Type, type_: ty.Type) -> None:
        assert isinstance(unknown, ty.Var)
        class_ = self.classes.get(unknown.name)
        if is_unknown(type_):
            assert isinstance(type_, ty.Var)
            other = self.classes.get(type_.name)
            if class_ is not None and (other is None or STRENGTH.index(class_) > STRENGTH.index(other)):
                self.classes[type_.name] = class_
        elif class_ is not None:
            if not (isinstance(type_, ty.Scalar) and type_.dtype in CLASSES[class_]):
                raise Mismatch("type")
        elif self._occurs(unknown, type_):
            raise Mismatch("infinite")
        self.types[unknown.name] = type_

    def _occurs(self, unknown: ty.Var, type_: ty.Type) -> bool:
        type_ = self.head(type_)
        match type_:
            case ty.Var():
                return type_ == unknown
            case ty.Array(_, element):
                return self._occurs(unknown, element)
            case ty.Tuple(items) | ty.Data(_, items):
                return any(self._occurs(unknown, item) for item in items)
            case ty.Record(fields):
                return any(self._occurs(unknown, item) for _, item in fields)
            case ty.Fun(parameters, result):
                return any(self._occurs(unknown, item) for item in (*parameters, result))
            case _:
                return False

    # --- sizes ------------------------------------------------------------------------------------

    def unify_size(self, left: Size, right: Size, span: Span) -> None:
        """Make two sizes equal, or raise `Mismatch`; what cannot be decided yet waits."""
        if left == right:
            return
        difference = self.size(sub(left, right))
        if difference == 0:
            return
        if isinstance(difference, int):
            raise Mismatch("shape")
        if not any(name[0] == "?" for name in variables(difference)):
            raise Mismatch("shape")
        if not self._solve(difference, span):
            self.waiting.append((difference, span))

    def _solve(self, difference: Poly, span: Span) -> bool:
        """Solve ``difference = 0`` for one unknown that occurs once and linearly."""
        for monomial, count in difference.terms:
            if len(monomial) != 1 or monomial[0][1] != 1 or monomial[0][0][0] != "?":
                continue
            name = monomial[0][0]
            others = [term for term in difference.terms if term[0] != monomial]
            if any(name == factor for other, _ in others for factor, _ in other):
                continue
            if any(other_count % count for _, other_count in others):
                if all(not any(f[0] == "?" for f, _ in other) for other, _ in others):
                    raise Mismatch("shape")
                continue
            solution = _polynomial(tuple((other, -other_count // count) for other, other_count in others))
            if isinstance(solution, int) and solution < 0:
                raise Mismatch("shape")
            self._bind_size(name, solution, span)
            return True
        return False

    def _bind_size(self, name: str, solution: Size, span: Span) -> None:
        self.sizes[name] = limited(solution, span)
        self.bound_at[name] = span
        if not isinstance(solution, int) and any(count < 0 for _, count in solution.terms):
            self.non_negative.append((solution, span))

    def settle(self) -> list[tuple[Size, Span]]:
        """Try the waiting equations again; those that still cannot be solved are returned."""
        progress = True
        while progress and self.waiting:
            pending, self.waiting = self.waiting, []
            for place, (size, span) in enumerate(pending):
                try:
                    self.unify_size(size, 0, span)
                except Mismatch:
                    self.waiting = pending[place:]  # the first one is the culprit
                    raise
            progress = len(self.waiting) < len(pending)
        return self.waiting


def _polynomial(terms: tuple[tuple[tuple[tuple[str, int], ...], int], ...]) -> Size:
    from ..sizes import add

    total: Size = 0
    for monomial, count in terms:
        term: Size = count
        for name, power in monomial:
            for _ in range(power):
                term = mul(term, variable(name))
        total = add(total, term)
    return total
