"""Moves for arrays: builds, elementwise arithmetic, scans, updates, gathers, rearrangements, linear algebra."""

from __future__ import annotations

from ....lang.sizes import known
from ....lang.types import F64, I64, Array, Fun, Type, array
from .scalars import MAP, dominant
from .writer import Move, Scope, Variable, Writer, like, moves


def _size(type_: Type, axis: int = 0) -> int:
    assert isinstance(type_, Array)
    return known(type_.shape[axis])


def _build(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """``for i < n => e``, over all axes at once or one after the other."""
    assert isinstance(type_, Array)
    count = len(type_.shape) if writer.pick(2) else 1
    names = [writer.fresh("i") for _ in range(count)]
    sizes = [_size(type_, axis) for axis in range(count)]
    inner = (*scope, *(Variable(name, I64, size) for name, size in zip(names, sizes, strict=True)))
    ranges = ", ".join(f"{name} < {size}" for name, size in zip(names, sizes, strict=True))
    return f"(for {ranges} => {writer.expression(array(type_.shape[count:], type_.element), inner, depth)})"


def _scaled(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    return f"({writer.number(scope, depth)} * {writer.expression(type_, scope, depth)})"


def _scan(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    assert isinstance(type_, Array)
    state, i = writer.fresh("s"), writer.fresh("i")
    own = array(type_.shape[1:], type_.element)
    start = writer.expression(own, scope, depth)
    inner = (*scope, Variable(i, I64, _size(type_)), Variable(state, own))
    following = writer.expression(own, inner, depth)
    return f"(scan {state} = {start} for {i} < {_size(type_)} do sin({state} + {following}))"


def _update(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    assert isinstance(type_, Array)
    base, place = writer.expression(type_, scope, depth), writer.index(_size(type_), scope)
    element = writer.expression(array(type_.shape[1:], type_.element), scope, depth)
    return f"({base} with [{place}] = {element})"


def _gather(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """Rows of a longer array at places that are data."""
    assert isinstance(type_, Array)
    longer = array((3, *type_.shape[1:]), type_.element)
    i = writer.fresh("i")
    inner = (*scope, Variable(i, I64, _size(type_)))
    places = f"for {i} < {_size(type_)} => ({writer.index(3, inner)} + {i}) % 3"
    return f"gather({writer.expression(longer, scope, depth)}, {places})"


def _scatter(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    assert isinstance(type_, Array)
    i = writer.fresh("i")
    inner = (*scope, Variable(i, I64, 3))
    places = f"for {i} < 3 => ({writer.index(_size(type_), inner)} + {i}) % {_size(type_)}"
    values = writer.expression(array((3, *type_.shape[1:]), type_.element), scope, depth)
    return f"scatter_add({writer.expression(type_, scope, depth)}, {places}, {values})"


def _concat(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    assert isinstance(type_, Array)
    first = array((1, *type_.shape[1:]), type_.element)
    rest = array((_size(type_) - 1, *type_.shape[1:]), type_.element)
    return f"concat({writer.expression(first, scope, depth)}, {writer.expression(rest, scope, depth)})"


def _slice(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    assert isinstance(type_, Array)
    longer = array((_size(type_) + 1, *type_.shape[1:]), type_.element)
    return f"{writer.expression(longer, scope, depth)}[{writer.one_of(('1:', f':{_size(type_)}'))}]"


def _chosen(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    test = writer.parity(scope)
    return f"(if {test} then {writer.expression(type_, scope, depth)} else {writer.expression(type_, scope, depth)})"


def _matrix_vector(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    matrix, vector = array((_size(type_), 2), F64), array((2,), F64)
    return f"({writer.expression(matrix, scope, depth)} @ {writer.expression(vector, scope, depth)})"


def _matrix_product(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    left, right = array((_size(type_), 2), F64), array((2, _size(type_, 1)), F64)
    return f"({writer.expression(left, scope, depth)} @ {writer.expression(right, scope, depth)})"


def _transposed(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    other = array((_size(type_, 1), _size(type_)), F64)
    return f"transpose({writer.expression(other, scope, depth)})"


def _outer(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    left, right = array((_size(type_),), F64), array((_size(type_, 1),), F64)
    return f"outer({writer.expression(left, scope, depth)}, {writer.expression(right, scope, depth)})"


def _solved(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    matrix = dominant(writer, _size(type_), scope, depth)
    side = writer.expression(type_, scope, depth)
    return writer.one_of((f"solve({matrix}, {side})", f"triangular_solve({matrix}, {side})"))


def _root(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """The Cholesky factor of a symmetric matrix near a multiple of the identity."""
    if _size(type_) != _size(type_, 1):
        return _transposed(writer, type_, scope, depth)
    name = writer.fresh("m")
    return f"(let {name} = {dominant(writer, _size(type_), scope, depth)} in cholesky({name} @ transpose({name})))"


def _mapped(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    own = array((_size(type_),), F64)
    word = writer.one_of(("over", "map"))
    if word == "over":
        writer.need("over")
    return f"{word}({writer.expression(MAP, scope, depth)}, {writer.expression(own, scope, depth)})"


def _mapped_pairs(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    function = writer.expression(Fun((F64, F64), F64), scope, depth)
    return f"map2({function}, {writer.expression(type_, scope, depth)}, {writer.expression(type_, scope, depth)})"


def _descent(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A step against a gradient, by a definition that differentiates its argument."""
    if writer.order <= 0:
        return writer.leaf(type_, scope)
    writer.order -= 1
    function = writer.expression(Fun((type_,), F64), scope, depth)
    writer.order += 1
    return f"{writer.need('steepest')}({function}, {writer.expression(type_, scope, depth)})"


def _sorted(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """Sorting or running extremes of numbers that are surely different."""
    i = writer.fresh("i")
    word = writer.one_of(("sort", "cummax", "cummin"))
    return f"{word}({writer.expression(type_, scope, depth)} + (for {i} < {_size(type_)} => f64({i}) * 0.3117))"


ELEMENTWISE: tuple[Move, ...] = (
    like("({0} + {1})", 2), like("({0} - {1})", 2), like("({0} * {1})", 2), like("sin({0})"), like("cos({0})"),
    like("tanh({0})"), like("exp(tanh({0}))"), like("({0} / (1.0 + {1}^2))", 2), like("(-{0})"),
)  # fmt: skip
COMMON: tuple[Move, ...] = (
    _build, _build, _build, _scaled, _scan, _scan, _update, _gather, _scatter, _concat, _slice, _chosen,
    like("reverse({0})"), like("cumsum({0})"),
)  # fmt: skip
GUARDED_ELEMENTWISE: tuple[Move, ...] = (
    like("abs({0} + 0.3571)"), like("maximum({0}, {1} + 0.2773)", 2), like("relu({0} + 0.1733)"),
    like("log(0.7 + abs({0} - 0.2297))"), like("clip({0}, -0.7717, 0.8831)"),
)  # fmt: skip
moves("vector", *COMMON, *ELEMENTWISE, _matrix_vector, _solved, _mapped, _mapped_pairs, _descent)
moves("vector", like("softmax({0})"), like("cumprod(0.8 + 0.4 * sin({0} + 0.3))"))
moves("matrix", *COMMON, *ELEMENTWISE, _matrix_product, _transposed, _outer, _root)
moves("array", _build, _chosen, _update)
moves("vector", *GUARDED_ELEMENTWISE, _sorted, guarded=True)
moves("matrix", *GUARDED_ELEMENTWISE, guarded=True)
