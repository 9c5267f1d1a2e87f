"""Type rules: operand types and parameters enter, result types leave.

`elementwise` reads a row's scalar type such as ``"(f, f) -> f"``; the other functions serve one family of
primitives each. A violated rule is a bug of the pass that built the step (the checker has already typed the
program), so they raise `InternalError`.
"""

from __future__ import annotations

from functools import cache

from ..diagnostics import InternalError
from ..ir import FLOAT_DTYPES, ArrayType, Params
from ..params import integer, integers, size, sizes
from ..sizes import Size, add, sub

Types = tuple[ArrayType, ...]
INTEGER_DTYPES = frozenset({"i64", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"})


def require(condition: bool, message: str) -> None:
    """Raise `InternalError` with the message unless the condition holds."""
    if not condition:
        raise InternalError(message)


@cache
def scalar_type(text: str) -> tuple[tuple[str, ...], str]:
    """Operand letters and the result letter of ``"(f, f) -> f"``.

    >>> scalar_type("(b, a, a) -> a")
    (('b', 'a', 'a'), 'a')
    """
    left, right = text.split("->")
    inner = left.strip().removeprefix("(").removesuffix(")")
    return tuple(part.strip() for part in inner.split(",")), right.strip()


def _has_kind(dtype: str, letter: str) -> bool:
    match letter:
        case "f":
            return dtype in FLOAT_DTYPES
        case "i":
            return dtype in INTEGER_DTYPES
        case "n":
            return dtype in FLOAT_DTYPES or dtype in INTEGER_DTYPES
        case "b":
            return dtype == "bool"
        case "w":
            return dtype == "uint32"
        case _:
            return True


def common_shape(name: str, operands: Types) -> tuple[Size, ...]:
    """The one shape that operands share, scalars left aside."""
    shapes = {operand.shape for operand in operands if operand.shape}
    require(len(shapes) <= 1, f"{name}: operands have shapes {sorted(map(str, shapes))}")
    return shapes.pop() if shapes else ()


def elementwise(name: str, text: str, operands: Types, params: Params) -> Types:
    """Result of an elementwise primitive: equal letters stand for equal dtypes, ``b`` alone yields bool."""
    letters, result = scalar_type(text)
    require(len(letters) == len(operands), f"{name} takes {len(letters)} operands, not {len(operands)}")
    bound: dict[str, str] = {"b": "bool"}
    for letter, operand in zip(letters, operands, strict=True):
        require(_has_kind(operand.dtype, letter), f"{name}: no operand of type {operand} in {text}")
        agreed = bound.setdefault(letter, operand.dtype)
        require(agreed == operand.dtype, f"{name}: operands of type {agreed} and {operand.dtype}")
    return (ArrayType(bound[result], common_shape(name, operands)),)


def convert(operands: Types, params: Params) -> Types:
    return (ArrayType(str(dict(params)["dtype"]), operands[0].shape),)


def bitcast(operands: Types, params: Params) -> Types:
    """The same shape in another dtype of the same width."""
    (x,) = operands
    (result,) = convert(operands, params)
    require(width(x.dtype) == width(result.dtype), f"bitcast: {x} to {result}")
    return (result,)


def random_gamma(operands: Types, params: Params) -> Types:
    """The words of keys and shapes of distributions give draws, of floats as wide as words at least."""
    require(operands[-1].dtype in ("f64", "f32"), f"random_gamma of {operands[-1]}")
    return elementwise("random_gamma", "(w, w, f) -> f", operands, params)


def width(dtype: str) -> int:
    """The number of bits of a dtype.

    >>> width("bfloat16"), width("i64"), width("uint8")
    (16, 64, 8)
    """
    digits = "".join(letter for letter in dtype if letter.isdigit())
    return int(digits) if digits else 8


# --- structure ----------------------------------------------------------------------------------------------


def broadcast(operands: Types, params: Params) -> Types:
    shape, axes = sizes(params, "shape"), integers(params, "axes")
    (x,) = operands
    require(len(axes) == x.rank and list(axes) == sorted(set(axes)), f"broadcast: axes {axes} for {x}")
    fits = all(0 <= axis < len(shape) and shape[axis] == size for axis, size in zip(axes, x.shape, strict=True))
    require(fits, f"broadcast: {x} to {shape} along {axes}")
    return (x.with_shape(shape),)


def reshape(operands: Types, params: Params) -> Types:
    (x,) = operands
    result = x.with_shape(sizes(params, "shape"))
    require(x.elements == result.elements, f"reshape: {x} to {result}")
    return (result,)


def transpose(operands: Types, params: Params) -> Types:
    (x,) = operands
    axes = integers(params, "axes")
    require(sorted(axes) == list(range(x.rank)), f"transpose: axes {axes} of {x}")
    return (x.with_shape(tuple(x.shape[axis] for axis in axes)),)


def slice_(operands: Types, params: Params) -> Types:
    (x,) = operands
    starts, limits = sizes(params, "starts"), sizes(params, "limits")
    require(len(starts) == len(limits) == x.rank, f"slice: {starts} to {limits} of {x}")
    return (x.with_shape(tuple(sub(limit, start) for start, limit in zip(starts, limits, strict=True))),)


def pad(operands: Types, params: Params) -> Types:
    (x,) = operands
    low, high = sizes(params, "low"), sizes(params, "high")
    require(len(low) == len(high) == x.rank, f"pad: {low} and {high} of {x}")
    return (x.with_shape(tuple(add(add(a, n), b) for a, n, b in zip(low, x.shape, high, strict=True))),)


def same(operands: Types, params: Params) -> Types:
    """The type of the first operand."""
    return (operands[0],)


def concat(operands: Types, params: Params) -> Types:
    axis = integer(params, "axis")
    first = operands[0]
    total: Size = 0
    for x in operands:
        rest = x.shape[:axis] + x.shape[axis + 1 :] == first.shape[:axis] + first.shape[axis + 1 :]
        require(x.dtype == first.dtype and x.rank == first.rank and rest, f"concat: {x} beside {first}")
        total = add(total, x.shape[axis])
    return (first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :])),)


def iota(operands: Types, params: Params) -> Types:
    return (ArrayType("i64", (size(params, "size"),)),)


def whole_number(operands: Types, params: Params) -> Types:
    """One i64."""
    return (ArrayType("i64"),)


# --- indexing -----------------------------------------------------------------------------------------------


def _index_shape(name: str, indices: Types, rank: int) -> tuple[Size, ...]:
    require(0 < len(indices) <= rank, f"{name}: {len(indices)} indices into rank {rank}")
    shape = indices[0].shape
    fits = all(index.dtype in INTEGER_DTYPES and index.shape == shape for index in indices)
    require(fits, f"{name}: indices {', '.join(map(str, indices))}")
    return shape


def gather(operands: Types, params: Params) -> Types:
    x, *indices = operands
    shape = _index_shape("gather", tuple(indices), x.rank)
    return (x.with_shape(shape + x.shape[len(indices) :]),)


def scatter(operands: Types, params: Params) -> Types:
    base, values, *indices = operands
    shape = _index_shape("scatter", tuple(indices), base.rank)
    wanted = base.with_shape(shape + base.shape[len(indices) :])
    require(values == wanted, f"scatter: values {values} where {wanted} fits")
    return (base,)


# --- reductions, scans, orders ------------------------------------------------------------------------------


def drop_axes(x: ArrayType, axes: tuple[int, ...]) -> ArrayType:
    """The type with some axes removed."""
    fits = all(0 <= axis < x.rank for axis in axes) and len(set(axes)) == len(axes)
    require(fits, f"reduction of {x} over axes {axes}")
    return x.with_shape(tuple(size for axis, size in enumerate(x.shape) if axis not in axes))


def reduce_(operands: Types, params: Params) -> Types:
    return (drop_axes(operands[0], integers(params, "axes")),)


def winners(operands: Types, params: Params) -> Types:
    drop_axes(operands[0], integers(params, "axes"))
    return (ArrayType("bool", operands[0].shape),)


def reduce_bool(operands: Types, params: Params) -> Types:
    require(operands[0].dtype == "bool", f"reduction of truth values over {operands[0]}")
    return reduce_(operands, params)


def softmax(operands: Types, params: Params) -> Types:
    drop_axes(operands[0], integers(params, "axes"))
    return (operands[0],)


def arg_reduce(operands: Types, params: Params) -> Types:
    return (ArrayType("i64", drop_axes(operands[0], (integer(params, "axis"),)).shape),)


def along_axis(operands: Types, params: Params) -> Types:
    drop_axes(operands[0], (integer(params, "axis"),))
    return (operands[0],)


def argsort(operands: Types, params: Params) -> Types:
    return (ArrayType("i64", along_axis(operands, params)[0].shape),)


# --- contraction and linear algebra -------------------------------------------------------------------------


def parse_spec(spec: str) -> tuple[tuple[str, ...], str]:
    """Operand letters and result letters of an einsum specification.

    >>> parse_spec("ij,jk->ik")
    (('ij', 'jk'), 'ik')
    """
    left, right = spec.split("->")
    return tuple(left.split(",")), right


def letter_sizes(spec: str, operands: Types) -> dict[str, Size]:
    """The size of every letter; raises when operands disagree."""
    terms, _ = parse_spec(spec)
    require(len(terms) == len(operands), f"einsum {spec} of {len(operands)} operands")
    found: dict[str, Size] = {}
    for term, operand in zip(terms, operands, strict=True):
        require(len(term) == operand.rank and len(set(term)) == len(term), f"einsum {spec}: {term} for {operand}")
        for letter, length in zip(term, operand.shape, strict=True):
            require(
                found.setdefault(letter, length) == length,
                f"einsum {spec}: {letter} is {found[letter]} and {length}",
            )
    return found


def einsum(operands: Types, params: Params) -> Types:
    spec = str(dict(params)["spec"])
    sizes = letter_sizes(spec, operands)
    _, result = parse_spec(spec)
    require(set(result) <= set(sizes) and len(set(result)) == len(result), f"einsum {spec}: result letters")
    require(len({operand.dtype for operand in operands}) == 1, f"einsum {spec}: operands of different dtypes")
    return (operands[0].with_shape(tuple(sizes[letter] for letter in result)),)


def square(operands: Types, params: Params) -> Types:
    (a,) = operands
    require(a.rank >= 2 and a.shape[-1] == a.shape[-2] and a.is_float, f"{a} is no square matrix of floats")
    return (a,)


def solve(operands: Types, params: Params) -> Types:
    a, b = operands
    square((a,), params)
    fits = b.rank == a.rank and b.shape[:-1] == a.shape[:-1] and b.dtype == a.dtype
    require(fits, f"solve: {b} on the right of {a}")
    return (b,)


def logdet(operands: Types, params: Params) -> Types:
    return (square(operands, params)[0].with_shape(operands[0].shape[:-2]),)


# --- factorisations -----------------------------------------------------------------------------------------


def _matrix(operands: Types) -> tuple[ArrayType, Size, Size, Size]:
    """The one operand, its rows, its columns, and the smaller of the two."""
    (a,) = operands
    require(a.rank >= 2 and a.is_float, f"{a} is no matrix of floats")
    m, n = a.shape[-2:]
    if m == n:
        return a, m, n, m
    if not isinstance(m, int) or not isinstance(n, int):
        raise InternalError(f"the smaller size of {a} is not known")
    return a, m, n, min(m, n)


def eigenvalues(operands: Types, params: Params) -> Types:
    (a,) = square(operands, params)
    return (a.with_shape(a.shape[:-1]),)


def singular_values(operands: Types, params: Params) -> Types:
    a, _, _, k = _matrix(operands)
    return (a.with_shape((*a.shape[:-2], k)),)


def left_factor(operands: Types, params: Params) -> Types:
    """Orthonormal columns of the size of columns: as many as the smaller size, or (`full`) a square matrix."""
    a, m, _, k = _matrix(operands)
    return (a.with_shape((*a.shape[:-2], m, m if dict(params)["full"] else k)),)


def right_factor(operands: Types, params: Params) -> Types:
    """Orthonormal rows, as `left_factor` has columns."""
    a, _, n, k = _matrix(operands)
    return (a.with_shape((*a.shape[:-2], n if dict(params)["full"] else k, n)),)


def upper_factor(operands: Types, params: Params) -> Types:
    a, m, n, k = _matrix(operands)
    return (a.with_shape((*a.shape[:-2], m if dict(params)["full"] else k, n)),)


def lu(operands: Types, params: Params) -> Types:
    return (_matrix(operands)[0],)


def lu_pivots(operands: Types, params: Params) -> Types:
    a, _, _, k = _matrix(operands)
    return (ArrayType("int32", (*a.shape[:-2], k)),)


def lu_permutation(operands: Types, params: Params) -> Types:
    a, m, _, _ = _matrix(operands)
    return (ArrayType("int32", (*a.shape[:-2], m)),)


def pivots_to_permutation(operands: Types, params: Params) -> Types:
    (pivots,) = operands
    require(pivots.dtype in INTEGER_DTYPES and pivots.rank >= 1, f"pivots of type {pivots}")
    return (pivots.with_shape((*pivots.shape[:-1], size(params, "size"))),)


def tridiagonal_solve(operands: Types, params: Params) -> Types:
    low, middle, high, b = operands
    fits = low == middle == high and middle.is_float and b.dtype == middle.dtype and b.shape[:-1] == middle.shape
    require(fits and middle.rank >= 1, f"tridiagonal_solve: {b} on the right of diagonals {low}, {middle}, {high}")
    return (b,)
