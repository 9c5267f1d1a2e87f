"""The one file that touches what JAX does not promise: jaxprs of functions enter, primitives of our own leave.

Tracing asks for the jaxpr of a function and reads it by names, types and parameters (`jaxpr_of`, `slot_type`,
`place`). The rules of a user's ``custom_jvp`` and ``custom_vjp`` are programs: `custom_rule` traces them by
re-evaluating that one equation, the only use of a derivative of JAX in the product. Going out, `Pair` declares two
primitives, `pf_call` and `pf_linear`, that carry programs through every transformation of JAX; what they mean is
handed in as `Meaning`.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import jax
import jax.core
import jax.extend.core as jex
import jax.numpy as jnp
import numpy as np
from jax import export
from jax._src import source_info_util as _source_info
from jax.interpreters import ad, batching, mlir

from .diagnostics import fail
from .ir import ArrayType
from .sizes import Size, add, mul, variable
from .source import Source, Span

# --- reading jaxprs --------------------------------------------------------------------------------------------------

_NAMES = {"float64": "f64", "float32": "f32", "float16": "f16", "int64": "i64"}
# What JAX raises when Python wants the value of a traced array.
DECISIONS = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
OPEN = (jax.errors.InconclusiveDimensionOperation, TypeError)  # … or the value of an open size
# Whether tangents of `cholesky` are read like its operand, one triangle, or whole: JAX 0.12 does the former.
READS_ONE_TRIANGLE = jax.__version_info__ >= (0, 12)
KEY_WORDS = 2  # a key of the default generator is two 32-bit words


def jaxpr_of(function: Callable[..., Sequence[Any]], types: Sequence[Any]) -> Any:
    """The closed jaxpr of a function of arrays with these types; its constants are the arrays it closes over."""
    return jax.make_jaxpr(function)(*types)


def slot_type(aval: Any, span: Span | None = None) -> ArrayType:
    """The type of a slot for a JAX type; keys are arrays of 32-bit words with one more axis.

    Complex numbers (E203), keys of other generators (E206) and sizes that are not known are refused.
    """
    dtype, shape = aval.dtype, tuple(size_of(size, span) for size in aval.shape)
    if is_key(aval):
        name = str(getattr(getattr(dtype, "_impl", None), "name", dtype))
        if name != "threefry2x32":
            hint = 'use jax.random.key(0, impl="threefry2x32")'
            raise fail("E206", f"keys of the generator `{name}`", span, hint=hint)
        if not jax.config.jax_threefry_partitionable:  # type: ignore[attr-defined]
            hint = "leave jax_threefry_partitionable at its default, True"
            raise fail("E206", "keys that count in the old order", span, hint=hint)
        return ArrayType("uint32", (*shape, KEY_WORDS))
    name = str(dtype)
    if name.startswith("complex"):
        raise fail("E203", f"an array of {name}", span, hint="compute with real and imaginary parts")
    if dtype == jax.dtypes.float0:  # the tangent of an integer, which nothing reads
        return ArrayType("bool", shape)
    return ArrayType(_NAMES.get(name, name), shape)


_OPEN = export.SymbolicScope()  # one name is one size in all specs


def open_size(size: Size) -> Any:
    """What tracing takes for a size; JAX takes the variables in it to be at least one."""
    if isinstance(size, int):
        return size
    total: Any = 0
    for monomial, count in size.terms:
        term: Any = count
        for name, power in monomial:
            term = term * export.symbolic_shape(name, scope=_OPEN)[0] ** power
        total = total + term
    return total


def size_of(size: Any, span: Span | None = None) -> Size:
    """The size that JAX means; a quotient, a remainder or an extremum of open sizes is refused (E202)."""
    if not export.is_symbolic_dim(size):
        return int(size)
    total: Size = 0
    for term, count in size._sorted_terms:
        monomial: Size = int(count)
        for factor, power in term._factors:
            if factor.var is None:
                hint = "sizes are sums and products of names; trace with known sizes where they are divided or compared"
                raise fail("E202", f"the size `{size}`", span, hint=hint)
            for _ in range(int(power)):
                monomial = mul(monomial, variable(factor.var))
        total = add(total, monomial)
    return total


def is_undecided(error: Exception) -> bool:
    """Whether an error of a trace, one of `OPEN`, says that Python wants the value of an open size."""
    return not isinstance(error, TypeError) or "_DimExpr" in str(error) or "Symbolic dimension" in str(error)


def with_sizes(value: Any, span: Span | None = None) -> Any:
    """A parameter of a primitive with its open sizes as ours."""
    if export.is_symbolic_dim(value):
        return size_of(value, span)
    return tuple(with_sizes(item, span) for item in value) if type(value) is tuple else value


def is_key(aval: Any) -> bool:
    """Whether a JAX type is an array of random keys."""
    return jnp.issubdtype(aval.dtype, jax.dtypes.prng_key)


def is_inexact(aval: Any) -> bool:
    """Whether arrays of a JAX type have tangents."""
    return not is_key(aval) and bool(jnp.issubdtype(aval.dtype, np.inexact))


def is_concrete(value: Any) -> bool:
    """Whether a value is an array, not something that stands for one during a trace."""
    return not isinstance(value, jax.core.Tracer)


def is_wide() -> bool:
    """Whether JAX computes with 64-bit numbers here."""
    return bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]


def width(wide: bool) -> Any:
    """A context in which JAX computes with 64-bit numbers or does not."""
    return jax.enable_x64(wide)


def function_name(closed: Any) -> str:
    """The name of the Python function behind a closed jaxpr."""
    return str(getattr(closed, "jaxpr", closed).debug_info.func_name)


def scan_counts(params: Mapping[str, Any]) -> tuple[int, int]:
    """How many operands of a scan are shared and how many are carried; JAX 0.12 keeps them as a structure."""
    if "num_consts" in params:
        return int(params["num_consts"]), int(params["num_carry"])
    consts, carry, _ = params["ft_in"].unpack()
    return len(consts), len(carry)


def is_small(value: Any, elements: int) -> bool:
    """Whether an array has at most so many elements."""
    return int(np.prod(np.shape(value), dtype=np.int64)) <= elements


def unwrapped(value: Any) -> Any:
    """An array as slots hold it: keys become their words."""
    return jax.random.key_data(value) if hasattr(value, "dtype") and is_key(jax.typeof(value)) else value


@lru_cache(maxsize=512)
def _source(path: str) -> Source:
    return Source(path, "".join(linecache.getlines(path)))


@lru_cache(maxsize=8192)
def _line_span(path: str, line: int, function: str) -> Span | None:
    source = _source(path)
    lines = source.text.splitlines(keepends=True)
    if not 1 <= line <= len(lines):
        shown = Source(f"{path}:{line}", f"in {function}")
        return Span(shown, 0, len(shown.text))
    start = sum(map(len, lines[: line - 1]))
    text = lines[line - 1]
    return Span(source, start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def place(equation: Any) -> Span | None:
    """The user's Python line that an equation comes from."""
    frame = _source_info.user_frame(equation.source_info.traceback)
    return None if frame is None else _line_span(frame.file_name, frame.start_line, frame.function_name)


def definition(equation: Any) -> Any | None:
    """The closed jaxpr that defines a primitive of JAX's array functions made of others; None for those of users."""
    primitive = equation.params["_prim"]
    if not type(primitive).__module__.startswith("jax._src.numpy."):
        return None

    def written(*x: Any) -> list[Any]:
        return jax.tree_util.tree_leaves(primitive.expand(*jax.tree_util.tree_unflatten(primitive.in_tree, x)))

    return jax.make_jaxpr(written)(*(atom.aval for atom in equation.invars))


# --- rules that users gave -------------------------------------------------------------------------------------------


def custom_rule(equation: Any, kind: str) -> Any:
    """The closed jaxpr of the derivative that the user of ``custom_jvp`` or ``custom_vjp`` gave, in one mode.

    ``jvp``: (x, x_dot) -> y_dot, ``vjp``: (x, y_bar) -> x_bar, with tangents and cotangents of float arrays only.
    The caller sets the width that the program was traced with.
    """
    return (_forward_rule if kind == "jvp" else _backward_rule)(equation)


def _function_of(equation: Any) -> tuple[Callable[..., list[Any]], list[Any], list[Any]]:
    """The equation as a function, and the types of its operands and results."""
    ins = [atom.aval for atom in equation.invars]
    outs = [var.aval for var in equation.outvars]
    variables = [jex.Var(aval) for aval in ins]
    results = [jex.Var(aval) for aval in outs]
    alone = equation.replace(invars=variables, outvars=results)
    jaxpr = jex.Jaxpr([], variables, results, [alone], debug_info=_debug(len(ins), len(outs)))
    return jex.jaxpr_as_fun(jex.ClosedJaxpr(jaxpr, [])), ins, outs


def equation_function(equation: Any) -> Callable[..., list[Any]]:
    """An equation as a function of its operands."""
    return _function_of(equation)[0]


def over_lanes(function: Callable[..., Sequence[Any]], mapped: tuple[bool, ...]) -> Callable[..., Sequence[Any]]:
    """A function of JAX over a leading axis of the operands that are marked."""
    return jax.vmap(function, in_axes=tuple(0 if flag else None for flag in mapped))


def _debug(inputs: int, outputs: int) -> Any:
    return jex.DebugInfo("custom rule", "rule", tuple(f"x{k}" for k in range(inputs)), ("y",) * outputs)


def _with_floats(function: Callable[..., list[Any]], ins: Sequence[Any], outs: Sequence[Any], x: Sequence[Any]) -> Any:
    """The function of its float operands alone, with its float results alone."""
    floats = [k for k, aval in enumerate(ins) if is_inexact(aval)]

    def inner(*values: Any) -> list[Any]:
        operands = list(x)
        for k, value in zip(floats, values, strict=True):
            operands[k] = value
        return [y for y, aval in zip(function(*operands), outs, strict=True) if is_inexact(aval)]

    return inner, [x[k] for k in floats]


def _forward_rule(equation: Any) -> Any:
    function, ins, outs = _function_of(equation)

    def rule(*arguments: Any) -> list[Any]:
        x, x_dot = arguments[: len(ins)], arguments[len(ins) :]
        inner, floats = _with_floats(function, ins, outs, x)
        return jax.jvp(inner, floats, list(x_dot))[1]

    return jax.make_jaxpr(rule)(*_abstract(ins), *_abstract([aval for aval in ins if is_inexact(aval)]))


def _backward_rule(equation: Any) -> Any:
    function, ins, outs = _function_of(equation)

    def rule(*arguments: Any) -> tuple[Any, ...]:
        x, y_bar = arguments[: len(ins)], arguments[len(ins) :]
        inner, floats = _with_floats(function, ins, outs, x)
        return jax.vjp(inner, *floats)[1](list(y_bar))

    return jax.make_jaxpr(rule)(*_abstract(ins), *_abstract([aval for aval in outs if is_inexact(aval)]))


def _abstract(avals: Sequence[Any]) -> list[Any]:
    return [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]


# --- the two primitives ----------------------------------------------------------------------------------------------


class LinearMap(Protocol):
    """What `pf_linear` applies: (residuals, v) -> w, linear in v, compared and hashed by content."""

    @property
    def residuals(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def output_types(self) -> tuple[ArrayType, ...]: ...
    def program(self) -> Any: ...
    def transposed(self) -> LinearMap: ...
    def batched(self, mapped: tuple[bool, ...], size: int) -> LinearMap: ...
    def derivative(self, active: tuple[bool, ...]) -> tuple[LinearMap, tuple[bool, ...]]: ...


class Meaning(Protocol):
    """What the primitives mean, from the packages above: how a program runs, is differentiated and batched."""

    def function(self, program: Any) -> Callable[..., Sequence[Any]]: ...
    def halves(self, program: Any, active: tuple[bool, ...]) -> tuple[Any, LinearMap, tuple[bool, ...]]: ...
    def batched(self, program: Any, mapped: tuple[bool, ...], size: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """The primitives: `call` applies a program, `linear` a linear map."""

    call: Any
    linear: Any

    def apply(self, program: Any, arrays: Sequence[Any]) -> list[Any]:
        """The results of a program of `lang` on JAX arrays or tracers."""
        return self.call.bind(*alike(arrays), program=program)


def _results(types: Sequence[ArrayType], avals: Sequence[Any]) -> list[Any]:
    """JAX types of results; inside `shard_map` they vary over the axes that the operands vary over."""
    from .constants import numpy_dtype

    kept = next((aval for aval in avals if _varying(aval)), avals[0] if avals else None)
    found = []
    for type_ in types:
        dtype = jax.dtypes.canonicalize_dtype(numpy_dtype(type_.dtype))
        extra: dict[str, Any] = {}
        if kept is not None and _varying(kept):
            spec = jax.sharding.PartitionSpec(*[None] * type_.rank)
            extra["sharding"] = jax.sharding.NamedSharding(kept.sharding.mesh, spec)
            name = "manual_axis_type" if hasattr(kept, "manual_axis_type") else "vma"
            extra[name] = getattr(kept, name)
        found.append(jax.core.ShapedArray(type_.shape, dtype, **extra))
    return found


def _varying(aval: Any) -> frozenset[str]:
    manual = getattr(aval, "manual_axis_type", None)
    return frozenset(getattr(aval, "vma", ()) if manual is None else manual.varying)


def alike(arrays: Sequence[Any]) -> list[Any]:
    """Inside `shard_map`, operands that all vary over the same axes of the mesh."""
    varying = [_varying(jax.typeof(x)) for x in arrays]
    axes = frozenset().union(*varying)
    if not axes:
        return list(arrays)
    return [
        jax.lax.pcast(x, tuple(sorted(axes - own)), to="varying") if axes - own else x
        for x, own in zip(arrays, varying, strict=True)
    ]


def is_own(name: str) -> bool:
    """Whether a primitive of a jaxpr is one of the two."""
    return name in ("pf_call", "pf_linear")


def pair(meaning: Meaning) -> Pair:
    """Declare the primitives with what they mean."""
    call, linear = jex.Primitive("pf_call"), jex.Primitive("pf_linear")
    call.multiple_results = linear.multiple_results = True
    both = Pair(call, linear)
    _define_call(both, meaning)
    _define_linear(both, meaning)
    return both


@lru_cache(maxsize=1024)
def _compiled(meaning: Meaning, program: Any, wide: bool) -> Callable[..., Sequence[Any]]:
    function = meaning.function(program)
    return jax.jit(lambda *x: tuple(function(*x)))


def _run(meaning: Meaning, program: Any, x: Sequence[Any]) -> list[Any]:
    return list(_compiled(meaning, program, is_wide())(*x))


def _is_zero(tangent: Any) -> bool:
    return type(tangent) is ad.Zero


def _zero(y: Any) -> Any:
    aval = jax.typeof(y)
    return ad.Zero(aval.to_tangent_aval() if hasattr(aval, "to_tangent_aval") else aval.at_least_vspace())


def _define_call(both: Pair, meaning: Meaning) -> None:
    def forward(x: Sequence[Any], x_dot: Sequence[Any], *, program: Any) -> tuple[list[Any], list[Any]]:
        active = tuple(not _is_zero(tangent) for tangent in x_dot)
        primal, tangent, on = meaning.halves(program, active)
        results = both.call.bind(*x, program=primal)
        outputs = results[: len(on)]
        moving = [tangent_ for tangent_ in x_dot if not _is_zero(tangent_)]
        dots = iter(_apply(both, tangent, [*x, *results[len(on) :]], moving) if any(on) else ())
        return outputs, [next(dots) if flag else _zero(y) for flag, y in zip(on, outputs, strict=True)]

    def batch(x: Sequence[Any], axes: Sequence[Any], *, program: Any) -> tuple[list[Any], list[int]]:
        moved, mapped, size = _in_front(x, axes)
        outputs = both.call.bind(*moved, program=meaning.batched(program, mapped, size))
        return outputs, [0] * len(outputs)

    both.call.def_impl(lambda *x, program: _run(meaning, program, x))
    both.call.def_abstract_eval(lambda *x, program: _results(program.output_types, x))
    ad.primitive_jvps[both.call] = forward
    batching.primitive_batchers[both.call] = batch
    lower = mlir.lower_fun(lambda *x, program: list(meaning.function(program)(*x)), multiple_results=True)
    mlir.register_lowering(both.call, lower)


def _apply(both: Pair, map_: LinearMap, residuals: Sequence[Any], v: Sequence[Any]) -> list[Any]:
    return both.linear.bind(*alike([*residuals, *v]), map=map_)


def _define_linear(both: Pair, meaning: Meaning) -> None:
    def forward(x: Sequence[Any], x_dot: Sequence[Any], *, map: LinearMap) -> tuple[list[Any], list[Any]]:
        count = map.residuals
        outputs = both.linear.bind(*x, map=map)
        total: list[Any] = [_zero(y) for y in outputs]
        if not all(_is_zero(tangent) for tangent in x_dot[count:]):
            v_dot = [ad.instantiate_zeros(tangent) for tangent in x_dot[count:]]
            total = _apply(both, map, x[:count], v_dot)
        active = tuple(not _is_zero(tangent) for tangent in x_dot[:count])
        if any(active):
            moving = [tangent for tangent in x_dot[:count] if not _is_zero(tangent)]
            change, on = map.derivative(active)
            dots = iter(_apply(both, change, x, moving) if any(on) else ())
            total = [ad.add_tangents(old, next(dots)) if flag else old for old, flag in zip(total, on, strict=True)]
        return outputs, total

    def batch(x: Sequence[Any], axes: Sequence[Any], *, map: LinearMap) -> tuple[list[Any], list[int]]:
        moved, mapped, size = _in_front(x, axes)
        outputs = both.linear.bind(*moved, map=map.batched(mapped, size))
        return outputs, [0] * len(outputs)

    def transpose(w_bar: Sequence[Any], *x: Any, map: LinearMap) -> list[Any]:
        count = map.residuals
        filled = [ad.instantiate_zeros(z) for z in w_bar]
        bars = _apply(both, map.transposed(), x[:count], filled)
        linear = [ad.is_undefined_primal(value) for value in x[count:]]
        return [None] * count + [bar if on else None for bar, on in zip(bars, linear, strict=True)]

    both.linear.def_impl(lambda *x, map: _run(meaning, map.program(), x))
    both.linear.def_abstract_eval(lambda *x, map: _results(map.output_types, x))
    ad.primitive_jvps[both.linear] = forward
    ad.primitive_transposes[both.linear] = transpose
    batching.primitive_batchers[both.linear] = batch
    lower = mlir.lower_fun(lambda *x, map: list(meaning.function(map.program())(*x)), multiple_results=True)
    mlir.register_lowering(both.linear, lower)


def _in_front(x: Sequence[Any], axes: Sequence[Any]) -> tuple[list[Any], tuple[bool, ...], int]:
    """Operands with their batch axis first, which of them have one, and its length."""
    mapped = tuple(axis is not None for axis in axes)
    moved = [
        jax.numpy.moveaxis(value, axis, 0) if on and axis != 0 else value
        for value, axis, on in zip(x, axes, mapped, strict=True)
    ]
    size = next(value.shape[0] for value, on in zip(moved, mapped, strict=True) if on)
    return moved, mapped, size
