"""Statements: each binds a name to one construct worth having, with bodies written by the tables of moves."""

from __future__ import annotations

from collections.abc import Callable

from ....lang.sizes import known
from ....lang.types import F64, I64, Array, Data, Fun, Tuple, Type, array
from . import derivatives
from .scalars import MAP, dominant
from .structured import matched
from .writer import PAIR, RECORD, Scope, Variable, Writer, option

Statement = Callable[[Writer, Scope, int], tuple[Type, str]]
_V2, _V3, _M = array((2,), F64), array((3,), F64), array((2, 3), F64)
TYPES: tuple[Type, ...] = (F64, F64, _V2, _V3, _M, array((4,), F64), array((3, 2), F64), PAIR, RECORD, option(), MAP)


def plain(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """An expression of a random type."""
    type_ = writer.one_of(TYPES)
    return type_, writer.grown(type_, scope, depth)


def loop(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A loop over numbers, vectors, pairs or options, counted or with a condition."""
    type_ = writer.one_of((F64, _V2, PAIR, option(), Tuple((F64, _V2))))
    state, i = writer.fresh("s"), writer.fresh("i")
    start = writer.expression(type_, scope, depth)
    if writer.chance(4) and type_ == F64:
        limit = 2 + writer.pick(3)
        inner = (*scope, Variable(state, F64))
        body = f"sin({state} + {writer.grown(F64, inner, depth)}) + 0.35"
        return F64, f"loop {state} = {start} while {state} < {_bound(writer)} limit {limit} do {body}"
    count = 2 + writer.pick(3)
    inner = (*scope, Variable(i, I64, count), Variable(state, type_))
    writer.unused[state] = inner[-1]
    body = tame(writer, type_, inner, depth)
    writer.unused.pop(state, None)
    word, result = ("scan", _stacked(count, type_)) if writer.chance(3) and type_ != option() else ("loop", type_)
    return result, f"{word} {state} = {start} for {i} < {count} do {body}"


def _bound(writer: Writer) -> str:
    return writer.one_of(("0.7193", "0.5311", "1.2917"))


def _stacked(count: int, type_: Type) -> Type:
    return array((count,), type_)


def tame(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A next state that stays small."""
    if type_ == option():
        x = writer.fresh("m")
        state = scope[-1].name
        inner = (*scope[:-1], Variable(x, F64))
        body = f"Just(sin({writer.grown(F64, inner, depth)} + {x}))"
        return f"match {state} {{ Nothing => Just({writer.leaf(F64, scope[:-1])}); Just({x}) => {body} }}"
    if isinstance(type_, Tuple):
        return f"({', '.join(tame(writer, item, scope, depth) for item in type_.items)})"
    return f"sin({writer.grown(type_, scope, depth)})"


def nested(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A binder in a binder: a build, reduction or loop inside a build or a loop."""
    count, inside = 2 + writer.pick(2), 2 + writer.pick(2)
    i, j = writer.fresh("i"), writer.fresh("j")
    outer = (*scope, Variable(i, I64, count))
    both = (*outer, Variable(j, I64, inside))
    how = writer.pick(5)
    if how == 0:
        body = writer.grown(F64, both, depth)
        return array((count,), F64), f"for {i} < {count} => sum(for {j} < {inside} => {body} * {_read(writer, both)})"
    if how == 1:
        type_ = array((count, inside), F64)
        return type_, f"for {i} < {count}, {j} < {inside} => {writer.grown(F64, both, depth)} + {_read(writer, both)}"
    state = writer.fresh("s")
    carry = (*both, Variable(state, F64))
    body = f"sin({state} + {writer.grown(F64, carry, depth)} * {_read(writer, carry)})"
    start = writer.leaf(F64, outer)
    if how == 2:
        return array((count,), F64), f"for {i} < {count} => loop {state} = {start} for {j} < {inside} do {body}"
    if how == 3:
        return array((count, inside), F64), f"for {i} < {count} => scan {state} = {start} for {j} < {inside} do {body}"
    total = writer.fresh("s")
    return F64, (
        f"loop {total} = {writer.leaf(F64, scope)} for {i} < {count} do "
        f"0.5 * {total} + (loop {state} = {start} for {j} < {inside} do {body})"
    )


def _read(writer: Writer, scope: Scope) -> str:
    """A read of a captured array at a place that is data, where there is one; else any number."""
    arrays = [v for v in scope if isinstance(v.type, Array) and v.type.element == F64]
    if not arrays or writer.pick(3) == 0:
        return writer.leaf(F64, scope)
    variable = writer.one_of(arrays)
    writer.unused.pop(variable.name, None)
    assert isinstance(variable.type, Array)
    places = [data_place(writer, known(size), scope) for size in variable.type.shape]
    return f"{variable.name}[{', '.join(places)}]"


def data_place(writer: Writer, size: int, scope: Scope) -> str:
    """An index made of integer data and index variables."""
    data = [v for v in scope if v.type == I64 and v.below is None or v.type == array((3,), I64)]
    indices = [v.name for v in scope if v.below is not None]
    if not data:
        return writer.index(size, scope)
    whole = writer.whole(writer.one_of(data), scope)
    return f"({whole} + {writer.one_of(indices)}) % {size}" if indices and writer.pick(2) else f"{whole} % {size}"


def table(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A captured array read at places that are data, inside a binder."""
    arrays = [v for v in scope if isinstance(v.type, Array) and v.type.element == F64]
    i = writer.fresh("i")
    inner = (*scope, Variable(i, I64, 3))
    read = _read(writer, inner) if arrays else writer.leaf(F64, inner)
    return _V3, f"for {i} < 3 => {read} * {writer.grown(F64, inner, depth)}"


def reduction(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A `reduce` with an operator that is associative: sums, products, affine maps, larger ones."""
    array_ = writer.grown(_V3, scope, depth)
    how = writer.pick(3 + (writer.suite == "guarded"))
    a, b = writer.fresh("a"), writer.fresh("b")
    if how == 0:
        return F64, f"reduce(fn ({a}, {b}) => {a} + {b}, {array_})"
    if how == 1:
        return F64, f"reduce(fn ({a}, {b}) => {a} * {b}, cos({array_}))"
    if how == 2:
        i = writer.fresh("i")
        second = writer.number((*scope, Variable(i, I64, 3)), depth)
        pairs = f"for {i} < 3 => (sin({second}), 0.3 * cos({second}))"
        return PAIR, f"reduce(fn ({a}, {b}) => ({a}.0 * {b}.0, {a}.1 * {b}.0 + {b}.1), {pairs})"
    i = writer.fresh("i")
    return F64, f"reduce(fn ({a}, {b}) => maximum({a}, {b}), {array_} + (for {i} < 3 => 0.3719 * f64({i})))"


def derivative(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A derivative of a function written in place, often a second one."""
    if writer.pick(3) == 0:
        i = writer.fresh("i")
        inner = (*scope, Variable(i, I64, 2))
        return _V2, f"for {i} < 2 => {derivatives.slope(writer, F64, inner, depth)}"
    return F64, derivatives.slope(writer, F64, scope, depth)


def second_derivative(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A derivative in a derivative."""
    writer.order -= 1
    function = writer.function((F64,), F64, scope, max(depth, 1))
    writer.order += 1
    return F64, derivatives.second(writer, scope, depth, function, writer.number(scope, 1))


def choice(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A variant made and matched."""
    return F64, matched(writer, F64, scope, depth)


def variant(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A variant for later."""
    type_ = writer.one_of((option(), Data("List", (F64,)), Data("Tree", (F64,)), Data("Either", (F64, PAIR))))
    return type_, writer.grown(type_, scope, depth)


def function(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A function for later, or the result of one that takes a function."""
    type_ = writer.one_of((MAP, Fun((F64, F64), F64), Fun((_V2,), F64)))
    return type_, writer.function(type_.parameters, type_.result, scope, depth)


def branch(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A choice between two arms with work in them, in a loop now and then."""
    type_ = writer.one_of((F64, _V2))
    arms = [writer.grown(type_, scope, depth + 1) for _ in range(2)]
    return type_, f"if {writer.parity(scope)} then {arms[0]} else {arms[1]}"


def placed(writer: Writer, scope: Scope, depth: int) -> tuple[Type, str]:
    """A primitive of a rarer kind in a build, a loop or an arm, of numbers that change there."""
    i, state = writer.fresh("i"), writer.fresh("s")
    where = writer.one_of((0, 0, 1, 1, 2, 3))
    inner = (*scope, Variable(i, I64, 2), Variable(state, F64))
    seen = scope if where >= 2 else inner[:-1] if where == 0 else inner
    families = (_implicit, _defined, _discrete) if writer.suite == "smooth" else _RARE
    work = writer.one_of(families)(writer, seen, depth, "0.4" if where >= 2 else f"f64({i})")
    if where == 0:
        return _V2, f"for {i} < 2 => {work}"
    if where == 3:
        return F64, work
    if where == 2:
        other = writer.one_of(families)(writer, scope, depth, "0.7")
        return F64, f"if {writer.parity(scope)} then {work} else {other}"
    return F64, f"loop {state} = {writer.leaf(F64, scope)} for {i} < 2 do sin({state} + {work})"


def _row(writer: Writer, scope: Scope, depth: int, moving: str) -> str:
    """A vector that depends on what moves."""
    return f"({writer.grown(_V3, scope, depth)} + sin({moving} + {writer.leaf(F64, scope)}))"


def _implicit(writer: Writer, scope: Scope, depth: int, moving: str) -> str:
    """A solution, factor or determinant of a well-conditioned matrix, or a product."""
    row, how = writer.fresh("r"), writer.pick(4)
    if how == 3:
        return f"prod(1.3 + sin({_row(writer, scope, depth, moving)}))"
    vector = array((2,), F64)
    matrix = dominant(writer, 2, (*scope, Variable(row, vector)), 1)
    shifted = f"({matrix} + (for {row}i < 2, {row}j < 2 => 0.2 * {row}[{row}i] * {row}[{row}j]))"
    form = (
        f"logdet({shifted})",
        f"sum(solve({shifted}, {row}))",
        f"(let {row}m = {shifted} in sum(triangular_solve(cholesky({row}m @ transpose({row}m)), {row})))",
    )[how]
    return f"(let {row} = {_row(writer, scope, depth, moving)}[1:] in {form})"


def _defined(writer: Writer, scope: Scope, depth: int, moving: str) -> str:
    row = _row(writer, scope, depth, moving)
    place = writer.index(3, scope)
    return writer.one_of((f"logsumexp({row})", f"softmax({row})[{place}]", f"cumprod(1.2 + 0.5 * sin({row}))[{place}]"))


def _selected(writer: Writer, scope: Scope, depth: int, moving: str) -> str:
    """Extremes and order of numbers that are surely different."""
    j = writer.fresh("j")
    row = f"{_row(writer, scope, depth, moving)} + (for {j} < 3 => 0.3117 * f64({j}))"
    place = writer.index(3, scope)
    return writer.one_of((f"max({row})", f"min({row})", f"sort({row})[{place}]", f"cummax({row})[{place}]"))


def _kinked(writer: Writer, scope: Scope, depth: int, moving: str) -> str:
    x = f"{writer.grown(F64, scope, depth)} * cos({moving} + {writer.leaf(F64, scope)})"
    y = writer.leaf(F64, scope)
    return writer.one_of(
        (f"abs({x} + 0.2871)", f"maximum({x}, {y} + 0.3361)", f"relu({x} + 0.1173)", f"clip({x}, -0.7103, 0.8177)")
    )


def _discrete(writer: Writer, scope: Scope, depth: int, moving: str) -> str:
    """Whole numbers made of data, as a factor; with kinks allowed, a comparison of floats."""
    x = f"{writer.grown(F64, scope, depth)} * sin({moving} + {writer.leaf(F64, scope)})"
    if writer.suite == "guarded" and writer.pick(2):
        return f"where({x} < {writer.leaf(F64, scope)} + 0.2719, {x}, cos({writer.leaf(F64, scope)}))"
    data = [v for v in scope if v.type == I64 and v.below is None or v.type == array((3,), I64)]
    number = writer.whole(writer.one_of(data), scope) if data else f"i64({moving})"
    return f"{x} * f64(({number} + 1) // 2)"


_RARE = (_selected, _selected, _selected, _selected, _kinked, _kinked, _implicit, _discrete, _defined, _defined)


STATEMENTS: tuple[Statement, ...] = (
    plain, plain, loop, loop, loop, nested, nested, nested, table, table, reduction, derivative, choice, variant,
    function, branch, *[second_derivative] * 6, *[placed] * 5,
)  # fmt: skip
