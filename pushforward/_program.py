"""The public `Program`: an IR program with its definitions enters, calls and views of it leave.

A program is frozen and hashed by content. Calling it compiles (once per back end and set of sizes), runs, checks that
everything is finite and gives results the structure of the signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import is_
from typing import TYPE_CHECKING, Any, Literal

from . import _wire
from ._limits import within_limits
from .lang import ir
from .lang.collector import holding_collector
from .lang.diagnostics import DiagnosticError, fail
from .lang.source import Span
from .lang.substitute import substitute_sizes
from .lang.types import SizeType, show_type

if TYPE_CHECKING:
    from ._run import Compiled

Backend = Literal["auto", "reference", "xla", "llvm"]
STAGES = ("surface", "readable", "full", "first", "forward", "reverse", "vector", "jaxpr", "loops", "llvm", "asm")


@dataclass(frozen=True, eq=False, slots=True)
class Recipe:
    """How a program was derived: by `derive` from the first-order form of `base`."""

    base: Program
    derive: Callable[[ir.Program], ir.Program]

    def at(self, sizes: Mapping[str, int]) -> ir.Program:
        """The derived program at known sizes."""
        own = {name: size for name, size in sizes.items() if name in self.base.ir.sizes}
        return substitute_sizes(self.derive(self.base.first(own)), sizes)


@dataclass(frozen=True, eq=False)
class Program:
    """A function of the language: call it with numbers and arrays, or pass it to `pf.grad` and the like.

    `ir` may mention definitions (`Function` steps) that `definitions` holds; size variables are filled in from the
    shapes of the arguments. Records are dicts, tuples are tuples, an array of tuples is a tuple of arrays. `source`
    is the text of the definition. A derived program keeps its `recipe`, so that at known sizes it is derived anew from
    the smaller program those sizes give. A traced program holds the arrays that its function closes over; they are its
    first inputs, in front of those that the signature names. `least` is what its trace has taken open sizes to be at
    the least.
    """

    ir: ir.Program
    definitions: Any = field(default=None, repr=False)
    source: Span | None = field(default=None, repr=False)
    recipe: Recipe | None = field(default=None, repr=False)
    captured: tuple[Any, ...] = field(default=(), repr=False)
    least: int = field(default=0, repr=False)

    @property
    def name(self) -> str:
        return self.ir.name

    @cached_property
    def signature(self) -> ir.Signature:
        """Names and types of the inputs, type of the result."""
        from ._derived import signature

        return signature(self.ir)

    @cached_property
    def digest(self) -> str:
        """A hash of the content, stable between processes (names and positions in the text left out)."""
        try:
            return self.first().digest
        except DiagnosticError:  # not first order: its meaning depends on the definitions it names
            return f"{self.ir.digest}-{_wire.digest_of_definitions(self.definitions)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        if self is other:
            return True
        same = len(self.captured) == len(other.captured) and all(map(is_, self.captured, other.captured))
        return same and self.digest == other.digest and self.signature == other.signature

    def __hash__(self) -> int:
        return hash(self.signature)  # the digest needs the first-order program, a lot of work to find one object

    def __str__(self) -> str:
        from .semantics.values import show_inputs

        return f"{self.name}({show_inputs(self.signature)}): {show_type(self.signature.output)}"

    def __repr__(self) -> str:
        return f"<Program {self}>"

    def first(self, sizes: Mapping[str, int] | None = None) -> ir.Program:
        """The first-order program, at the given sizes; raises a `limit` diagnostic when there is none."""
        self.check_sizes(sizes or {})
        return _first(self, tuple(sorted((sizes or {}).items())))

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Evaluate on numbers, arrays, tuples and dicts; a result that is not finite names the step that made it."""
        return self.compile()(*args, **named)

    def compile(self, backend: Backend = "auto", nonfinite: Literal["error", "allow"] = "error") -> Compiled:
        """The program on one back end. ``auto`` chooses and says why (`.why`); a named one runs whole or is refused.

        With ``nonfinite="allow"`` inf and nan are results like others; by default they are diagnostics E150 or E151.
        """
        from ._run import compiled

        return compiled(self, backend, nonfinite)

    def to_jax(self, backend: Literal["auto", "xla", "llvm"] = "auto", **sizes: int) -> Callable[..., Any]:
        """A function of JAX arrays (same structure of arguments) that `jax.jit` and `jax.vmap` accept.

        With ``backend="llvm"`` it, and its derivatives, run as native code where their arrays stand on one CPU.
        """
        from ._run import jax_function

        if backend not in ("auto", "xla", "llvm"):
            raise fail("E186", f"the {backend} back end does not run inside JAX", hint='use backend="xla" or "llvm"')
        return jax_function(self, sizes, backend)

    def vmap(self, in_axes: int | None | Sequence[int | None] = 0, out_axes: int = 0) -> Program:
        """The program over a new axis of its inputs, as `pf.vmap`."""
        from ._transform import vmap

        return vmap(self, in_axes, out_axes)

    def astype(self, dtype: Literal["f32", "f64"]) -> Program:
        """The program with every float of the other width replaced by `dtype`."""
        from ._precision import convert

        captured = _wire.arrays_as(self.captured, dtype)
        return Program(convert(self.first(), dtype), captured=captured, least=self.least)

    def check_sizes(self, sizes: Mapping[str, int]) -> None:
        """Raise E106 when a size is less than what the program was traced for."""
        if self.recipe is not None:
            self.recipe.base.check_sizes(sizes)
        for name in self.ir.sizes:
            if sizes.get(name, self.least) < self.least:
                hint = "tracing takes open sizes to be at least one; trace with arrays of the sizes you need"
                raise fail("E106", f"the size `{name}` is {sizes[name]}", expected=f"at least {self.least}", hint=hint)

    def show(self, stage: str = "first", after: str | None = None, **sizes: int) -> str:
        """The program as text at a stage: surface, readable, full, first, forward, reverse, vector, jaxpr, or
        loops, llvm or asm of the native back end."""
        if stage not in STAGES:
            raise fail("E188", f"there is no stage `{stage}`", hint=f"stages: {', '.join(STAGES)}")
        from ._stages import show

        return show(self, stage, after, sizes)

    def cost(self, wrt: int | str | Sequence[int | str] | None = None, **sizes: int) -> Cost:
        """Floating-point operations of the value and, where there is one, of value and gradient together."""
        from . import _derived

        first = _derived.as_call(self.first(sizes))
        try:
            chosen = _derived.select(first, floats(self.signature) if wrt is None else wrt)
            both = _derived.gradient(first, chosen, with_value=True)
        except DiagnosticError:
            return Cost(_wire.flops(first, sizes), None)
        return Cost(_wire.flops(first, sizes), _wire.flops(both, sizes))

    def save(self, path: str) -> None:
        """Write the first-order program as text, readable by people and stable between versions of one schema."""
        from pathlib import Path

        Path(path).write_text(self.show("first") + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Cost:
    """Operation counts; `gradient` counts value and gradient together."""

    value: int
    gradient: int | None

    @property
    def ratio(self) -> float | None:
        """flops(value and gradient) / flops(value), or None without a gradient."""
        return None if self.gradient is None else self.gradient / max(1, self.value)


def floats(signature: ir.Signature) -> tuple[str, ...]:
    """The inputs that a derivative can be taken by; E184 when there are none."""
    from ._derived import tangent
    from .lang.types import UNIT

    names = tuple(
        name for name, type_ in signature.inputs if not isinstance(type_, SizeType) and tangent(type_) != UNIT
    )
    if not names:
        message = "none of the inputs is a float, so there is nothing to differentiate by"
        raise fail("E184", message, hint="declare an input as f64 or f32")
    return names


@lru_cache(maxsize=512)
def _first_by_identity(program: _ByIdentity, sizes: tuple[tuple[str, int], ...]) -> ir.Program | DiagnosticError:
    """A refusal is kept as well: finding out that a recursion does not end takes a while."""
    return _worked_out(program.program, sizes)


@holding_collector
def _worked_out(full: Program, sizes: tuple[tuple[str, int], ...]) -> ir.Program | DiagnosticError:
    try:
        if full.recipe is not None and sizes:
            return within_limits(full.source, full.recipe.at, dict(sizes))
        return within_limits(full.source, _wire.first_order, full.ir, full.definitions, dict(sizes))
    except DiagnosticError as error:
        return error


@dataclass(frozen=True, eq=False)
class _ByIdentity:
    """A key that does not need the digest, which itself needs the first-order program."""

    program: Program

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.program is other.program

    def __hash__(self) -> int:
        return id(self.program)


def _first(program: Program, sizes: tuple[tuple[str, int], ...]) -> ir.Program:
    # Arrays of a trace that is going on must not be reachable from what is remembered.
    passing = any(not _wire.is_concrete(array) for array in program.captured)
    found = _worked_out(program, sizes) if passing else _first_by_identity(_ByIdentity(program), sizes)
    if isinstance(found, DiagnosticError):
        raise DiagnosticError(found.diagnostics)
    return found
