"""Runs programs: a program and a back end enter, a callable on Python values leaves.

Values are bound to the signature, sizes are inferred, a back end is chosen, and results that are not finite are traced
back by the reference, which names the first step that made one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import _wire
from ._bounds import counted
from ._limits import within_limits
from .lang import ir
from .lang.diagnostics import Diagnostic, DiagnosticError, fail

if TYPE_CHECKING:
    from ._program import Program

# Below this many operations a walk by the reference is faster than starting and calling a compiler.
SMALL = 20_000


@dataclass(frozen=True, slots=True)
class Choice:
    """A back end and the reason for it."""

    backend: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled program for arrays of certain shapes and dtypes."""

    run: Callable[[Sequence[Any]], Sequence[Any]]
    sizes: Mapping[str, int]
    counts: bool  # whether the last output counts indices out of range
    direct: Callable[..., Any] | None = None  # from arguments to the value; None where that must go the long way


@dataclass(frozen=True)
class Compiled:
    """A program on a back end; call it like the program."""

    program: Program
    backend: str
    nonfinite: str
    plans: dict[tuple[Any, ...], Plan] = field(default_factory=dict, repr=False, compare=False)
    latest: list[Callable[..., Any]] = field(default_factory=list, repr=False, compare=False)  # the last one used

    @property
    def why(self) -> str:
        """Which back end runs and for what reason."""
        try:
            return self.choose({}).why
        except DiagnosticError as error:
            return str(error)

    def choose(self, sizes: Mapping[str, int]) -> Choice:
        """The back end for a call with these sizes."""
        if self.backend != "auto":
            return Choice(self.backend, f"{self.backend}: named by the caller")
        return _choose(self.program, tuple(sorted(sizes.items())))

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Evaluate; see `Program.__call__`. Arrays of shapes and dtypes met before skip the binding."""
        if self.latest and not named:
            found = self.latest[0](*args)
            if found is not None:
                return found
        return self._call(args, named)

    def _call(self, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        from .semantics.results import assemble
        from .semantics.values import bind, plain_key

        key = None if named else plain_key(self.program.signature, args)
        plan = None if key is None else self.plans.get(key)
        if plan is not None:
            leaves = (*self.program.captured, *args)
            results = within_limits(self.program.source, plan.run, leaves)
            outputs = self._finish(self._counted(plan, results, leaves), leaves, plan.sizes)
            if plan.direct is not None:
                self.latest[:] = [plan.direct]
            return assemble(self.program.signature.output, iter(outputs))
        arguments = [_function_value(value) for value in args]
        functions = {name: _function_value(value) for name, value in named.items()}
        bound = bind(self.program.signature, self.program.ir.sizes, arguments, functions)
        outputs = self.run((*self.program.captured, *bound.leaves), bound.sizes)
        backend = self.choose(bound.sizes).backend
        if key is not None and backend != "reference":
            self._remember(backend, key, bound.sizes)
        return assemble(self.program.signature.output, iter(outputs))

    def run(self, leaves: Sequence[Any], sizes: Mapping[str, int]) -> list[Any]:
        """Arrays in slot order to arrays of results, with the finiteness check."""
        self.program.check_sizes(sizes)
        return within_limits(self.program.source, self._run, leaves, sizes)

    def _run(self, leaves: Sequence[Any], sizes: Mapping[str, int]) -> list[Any]:
        backend = self.choose(sizes).backend
        if backend == "reference":
            outputs = _wire.evaluate(self.program.ir, self.program.definitions, leaves, sizes)
        else:
            outputs = self._run_compiled(backend, leaves, sizes)
        return self._finish(outputs, leaves, sizes)

    def _finish(self, outputs: Sequence[Any], leaves: Sequence[Any], sizes: Mapping[str, int]) -> list[Any]:
        if self.nonfinite == "error":
            _check_finite(self.program, leaves, sizes, outputs)
        return list(outputs)

    def _remember(self, backend: str, key: tuple[Any, ...], sizes: Mapping[str, int]) -> None:
        run, counts = _compiled_by(backend, self.program, tuple(sorted(sizes.items())))
        short = getattr(run, "direct", None)
        direct = None if short is None else _direct(self.program, short, counts, self.nonfinite == "error")
        self.plans[key] = Plan(run, sizes, counts, direct)

    def _run_compiled(self, backend: str, leaves: Sequence[Any], sizes: Mapping[str, int]) -> Sequence[Any]:
        run, counts = _compiled_by(backend, self.program, tuple(sorted(sizes.items())))
        return self._counted(Plan(run, sizes, counts), run(leaves), leaves)

    def _counted(self, plan: Plan, outputs: Sequence[Any], leaves: Sequence[Any]) -> Sequence[Any]:
        """The results proper, once the count of indices out of range is zero."""
        if not plan.counts:
            return outputs
        *outputs, bad = outputs
        if bad:  # the reference stops at the first of them and says where
            _wire.evaluate(self.program.ir, self.program.definitions, leaves, plan.sizes)
            hint = 'run it with backend="reference", which stops at the first of them'
            raise fail("E100", f"{bad} indices were out of range in compiled code", hint=hint)
        return outputs


def _direct(
    program: Program, run: Callable[..., tuple[Any, ...] | None], counts: bool, finite_only: bool
) -> Callable[..., Any]:
    """Calls that fit the compiled program exactly and go well; anything else gives None and goes the long way."""
    from .semantics.results import assembler

    captured, value_of = program.captured, assembler(program.signature.output)

    def call(*args: Any) -> Any:
        found = run(*captured, *args, check=finite_only)
        if found is None or (counts and found[-2]) or (finite_only and not found[-1]):
            return None
        return value_of(found)

    return call


def _function_value(value: Any) -> Any:
    """A program given for a function parameter becomes a function value of the reference."""
    from ._program import Program

    return _wire.function_value(value.first()) if isinstance(value, Program) else value


def compiled(program: Program, backend: str, nonfinite: str) -> Compiled:
    """A program on a named back end, or a diagnostic when this version cannot."""
    if backend not in ("auto", "reference", "xla", "llvm"):
        raise fail("E188", f"there is no back end `{backend}`", hint="back ends: auto, reference, xla, llvm")
    if backend in ("xla", "llvm"):
        if not program.ir.sizes:
            program.first()  # a program that cannot be compiled is refused here; with open sizes, at the first call
        if not _has_array_borders(program):
            message = f"`{program.name}` takes or gives functions or variants, which only the reference runs"
            raise fail("E186", message, hint='use backend="reference" or "auto"')
    return Compiled(program, backend, nonfinite)


@lru_cache(maxsize=256)
def _compiled_by(
    backend: str, program: Program, sizes: tuple[tuple[str, int], ...]
) -> tuple[Callable[[Sequence[Any]], Sequence[Any]], bool]:
    """The compiled program, and whether its last output counts indices out of range."""
    first = program.first(dict(sizes))
    counting = counted(first)
    return _wire.compile_with(backend, first if counting is None else counting), counting is not None


@lru_cache(maxsize=512)
def _choose(program: Program, sizes: tuple[tuple[str, int], ...]) -> Choice:
    known = dict(sizes)
    try:
        first = program.first(known)
    except DiagnosticError as error:
        return Choice("reference", f"reference: the program cannot be compiled ({error.diagnostics[0].message})")
    if not _has_array_borders(program):
        return Choice("reference", "reference: functions and variants as inputs or results have no compiled form")
    installed = [name for name in ("xla", "llvm") if _wire.is_installed(name)]
    if not installed:
        return Choice("reference", "reference: neither jax nor llvmlite is installed")
    open_sizes = [name for name in first.sizes if name not in known]
    if open_sizes:
        names = " or ".join(installed)
        why = f"{names} above {SMALL} operations, reference below; depends on {', '.join(open_sizes)}"
        return Choice(installed[0], why)
    count = _wire.flops(first, known)
    if count <= SMALL and not any(_work(step.op) for step in first.steps):
        return Choice("reference", f"reference: {count} operations, which is less work than starting a compiler")
    return _compiling(program, sizes, installed, *_wire.preferred(first, known))


def _compiling(
    program: Program, sizes: tuple[tuple[str, int], ...], installed: Sequence[str], preferred: str, why: str
) -> Choice:
    """The preferred back end, or the first that has what the program needs."""
    if preferred not in installed:
        why = f"{preferred} would be preferred, but is not installed ({why})"
    refusals: dict[str, None] = {}
    for backend in sorted(installed, key=lambda name: name != preferred):
        try:
            _compiled_by(backend, program, sizes)
        except DiagnosticError as error:
            refusals[error.diagnostics[0].message] = None
            why = f"{backend} refuses the program ({error.diagnostics[0].message})"
            continue
        return Choice(backend, f"{backend}: {why}")
    return Choice("reference", f"reference: the program cannot be compiled ({'; '.join(refusals)})")


def _has_array_borders(program: Program) -> bool:
    return all(isinstance(type_, ir.ArrayType) for type_ in (*program.ir.inputs, *program.ir.output_types))


def _work(op: ir.Op) -> bool:
    """Whether a step loops, which the reference does one round at a time."""
    size = op.size if isinstance(op, (ir.Each, ir.Fold)) else 0
    return not isinstance(size, int) or size > 1000 or any(_work(s.op) for b in ir.bodies(op) for s in b.steps)


def _check_finite(program: Program, leaves: Sequence[Any], sizes: Mapping[str, int], outputs: Sequence[Any]) -> None:
    from .semantics.results import nonfinite_place, places

    result = nonfinite_place(outputs, list(places(program.signature.output, "result")))
    if result is None:
        return
    names = [place for name, type_ in program.signature.inputs for place in places(type_, name)]
    given = nonfinite_place(leaves[len(program.captured) :], names)
    if given is not None:
        raise fail("E151", f"{result} because the input {given}", hint='.compile(nonfinite="allow") lets it through')
    raise DiagnosticError(_blame(program, leaves, sizes, result))


def _blame(program: Program, leaves: Sequence[Any], sizes: Mapping[str, int], result: str) -> Diagnostic:
    """Re-run in the reference to find the first step that is not finite."""
    hint = 'guard the operation, or let such values through with .compile(nonfinite="allow")'
    try:
        found = _wire.first_nonfinite(program.ir, program.definitions, leaves, sizes)
    except DiagnosticError as error:  # the reference stops earlier, at an index out of range for instance
        return error.diagnostics[0]
    if found is None:
        return Diagnostic("E150", f"{result}, though the reference gives a finite value", hint=hint)
    return Diagnostic("E150", f"{result}; it was first made by {found.what}", found.span, hint=hint)


def jax_function(program: Program, sizes: Mapping[str, int], backend: str) -> Callable[..., Any]:
    """The program as a function of JAX arrays; sizes come from the shapes of the arguments unless given."""
    from .semantics.results import assemble
    from .semantics.values import bind

    def call(*args: Any, **named: Any) -> Any:
        bound = bind(program.signature, program.ir.sizes, args, {**sizes, **named}, traced=True)
        first = program.first(bound.sizes)
        results = _wire.jax_values(first, (*program.captured, *bound.leaves), backend)
        return assemble(program.signature.output, iter(results))

    call.__name__ = call.__qualname__ = program.name
    return call
