"""Functions of JAX with our derivatives: a Python function enters, a Python function of the same arguments leaves.

A call traces the function once per structure and types of its arguments, and carries the program through JAX by our own
primitive. The transformations of `pf` apply to such functions as they do to programs: the program of the function is
traced, derived, and called.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax

from . import _embed
from ._program import Program
from ._trace import traced
from ._trees import is_array
from .lang import _jax
from .lang.diagnostics import fail
from .lang.from_jax import foreign
from .semantics.results import assemble
from .semantics.shapes import solve_sizes

Derive = Callable[[Program], Program]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A derived program for arguments of one structure, and the arrays that the function closes over."""

    program: Program
    first: Any
    captured: tuple[Any, ...]


@dataclass(eq=False)
class Function:
    """A function of JAX whose calls run a program; see `jit`.

    `derive` makes the program that runs from the one that was traced; `example` makes the arguments to trace with from
    those of a call. With `leaves_to_jax`, steps without a meaning here run by JAX; `left` lists them after a call.
    """

    fn: Callable[..., Any]
    derive: Derive | None = None
    example: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    static: tuple[str, ...] = ()
    leaves_to_jax: bool = False
    backend: str = "auto"
    left: list[str] = field(default_factory=list, repr=False)
    entries: dict[Hashable, _Entry] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        functools.update_wrapper(self, self.fn, updated=())

    def __call__(self, *args: Any, **kw: Any) -> Any:
        inputs, named = self._without_static(args, kw)
        leaves, tree = jax.tree_util.tree_flatten((inputs, named))
        entry = self._entry(inputs, named, leaves, tree)
        arrays = [_jax.unwrapped(leaf) for leaf in leaves if is_array(leaf)]
        results = _embed.apply(entry.first, [*entry.captured, *arrays], self.backend)
        return assemble(entry.program.signature.output, iter(results))

    def program(self, *args: Any, **kw: Any) -> Program:
        """The program that a call with these arguments runs."""
        inputs, named = self._without_static(args, kw)
        leaves, tree = jax.tree_util.tree_flatten((inputs, named))
        entry = self._entry(inputs, named, leaves, tree)
        return replace(entry.program, captured=entry.captured)

    def _entry(self, args: Sequence[Any], kw: Mapping[str, Any], leaves: Sequence[Any], tree: Any) -> _Entry:
        key = (tree, _jax.is_wide(), tuple(_key(leaf) for leaf in leaves))
        found = self.entries.get(key)
        if found is not None:
            return found
        example = args if self.example is None else self.example(args)
        named = {k: v for k, v in kw.items() if k not in self.static}
        left = foreign.Leaving() if self.leaves_to_jax else None
        with foreign.leaving(left):
            program = traced(self._bound(kw), example, named)
        if left is not None and left.steps:
            self._report(left)
        # What belongs to the trace that is going on must not be reachable from anything that is remembered.
        captured, program = program.captured, replace(program, captured=())
        if self.derive is not None:
            program = self.derive(program)
        entry = _Entry(program, program.first(_sizes(program, [*captured, *leaves])), captured)
        if all(map(_jax.is_concrete, captured)):
            self.entries[key] = entry
        return entry

    def _report(self, left: foreign.Leaving) -> None:
        """Say what runs, and is differentiated, by JAX."""
        steps = [f"`{name}`" + (f" at {span.source.name}:{span.line}" if span else "") for name, span in left.steps]
        self.left[:] = list(dict.fromkeys(steps))
        name = getattr(self.fn, "__name__", "the function")
        warnings.warn(f"`{name}` leaves steps and their derivatives to JAX: {', '.join(self.left)}", stacklevel=4)

    def _without_static(self, args: Sequence[Any], kw: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Static arguments by name, wrapped so that they are part of the structure."""
        if not self.static:
            return args, kw
        bound = inspect.signature(self.fn).bind(*args, **kw)
        bound.apply_defaults()
        kept = {name: value for name, value in bound.arguments.items() if name not in self.static}
        fixed = {name: _Fixed(value) for name, value in bound.arguments.items() if name in self.static}
        return (), {**kept, **fixed}

    def _bound(self, kw: Mapping[str, Any]) -> Callable[..., Any]:
        fixed = {name: kw[name].value for name in self.static if name in kw}
        return functools.partial(self.fn, **fixed) if fixed else self.fn


def _sizes(program: Program, leaves: Sequence[Any]) -> Mapping[str, int]:
    """The sizes that the arrays of a call give to a derived program, such as the length of a batch."""
    if not program.ir.sizes:
        return {}
    arrays = [_jax.unwrapped(leaf) for leaf in leaves if is_array(leaf)]
    shapes = [jax.numpy.shape(array) for array in arrays]
    return solve_sizes(program.ir.sizes, program.ir.inputs, shapes, {})


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True, slots=True)
class _Fixed:
    """A static argument: all of it is structure."""

    value: Hashable

    def tree_flatten(self) -> tuple[tuple[()], Hashable]:
        return (), self.value

    @classmethod
    def tree_unflatten(cls, value: Hashable, _: Any) -> _Fixed:
        return cls(value)


def _key(leaf: Any) -> Hashable:
    """What of a leaf decides the trace: the type of an array, the value of anything else."""
    if isinstance(leaf, jax.Array):
        aval = jax.typeof(leaf)
        return aval.shape, aval.dtype, aval.weak_type
    if is_array(leaf):
        return getattr(leaf, "shape", ()), getattr(leaf, "dtype", type(leaf))
    return ("static", leaf)


def jit(
    fn: Callable[..., Any] | None = None,
    *,
    backend: Literal["auto", "xla", "llvm"] = "auto",
    static_argnames: str | Sequence[str] = (),
    on_unsupported: Literal["error", "jax"] = "error",
) -> Any:
    """A function of JAX arrays with our derivatives, which every transformation of JAX accepts.

    `jax.grad`, `vmap`, `jvp`, `scan`, `jit`, equinox and optax work on the result; derivatives are those of
    Pushforward. The function is traced once per structure and types of its arguments; `static_argnames` names
    arguments that are part of the program. What the language does not have is a diagnostic (E200 to E207); with
    ``on_unsupported="jax"`` such steps run, and are differentiated, by JAX, and a warning names them. With
    ``backend="llvm"`` the function and its derivatives run as native code where their arrays stand on one CPU.

    >>> import jax, jax.numpy as jnp
    >>> import pushforward as pf
    >>> @pf.jit
    ... def energy(x):
    ...     return jnp.sum(x ** 2)
    >>> print(jax.grad(energy)(jnp.arange(3.0)))
    [0. 2. 4.]
    """
    if fn is None:
        return functools.partial(
            jit, backend=backend, static_argnames=static_argnames, on_unsupported=on_unsupported
        )
    if backend not in ("auto", "xla", "llvm"):
        raise fail("E186", f"the {backend} back end does not run inside JAX", hint='use backend="xla" or "llvm"')
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    if isinstance(fn, Program):
        return fn.to_jax(backend)
    return Function(fn, static=names, leaves_to_jax=on_unsupported == "jax", backend=backend)


def pulled_back(f: Callable[..., Any], primals: Sequence[Any]) -> tuple[Any, Callable[[Any], Any]]:
    """``(y, pullback)`` of a function at a point, as `pf.vjp`."""
    from ._transform import reverse

    value = (f if isinstance(f, Function) else Function(f))(*primals)
    both = reverse(f)
    point = primals[0] if len(primals) == 1 else tuple(primals)

    def pullback(y_bar: Any) -> tuple[Any, ...]:
        x_bar = both(point, y_bar)[1]
        return (x_bar,) if len(primals) == 1 else x_bar

    return value, pullback


def derived(f: Callable[..., Any], derive: Derive, example: Any = None) -> Function:
    """The function whose calls run the derived program of `f`; E186 when `f` is no function."""
    if not callable(f):
        hint = "give pf.load(path)[name], or a function of JAX"
        raise fail("E186", f"{f!r} is neither a program nor a function", hint=hint)
    if isinstance(f, Function) and f.derive is None and f.example is None:
        return Function(f.fn, derive, example, f.static, f.leaves_to_jax, f.backend)
    return Function(f, derive, example)
