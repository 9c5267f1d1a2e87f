"""The joints: the one file that knows where the parts of the other packages are and how they are called.

The surfaces speak to these functions only. Every import is made on use, so that a command loads what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .lang import ir
from .lang.constants import numpy_dtype
from .lang.diagnostics import Diagnostic, fail
from .lang.memo import memo
from .lang.source import Source, Span
from .lang.substitute import substitute_sizes

if TYPE_CHECKING:
    from pathlib import Path

    from .ad.compressed import Choice
    from .lang.errors_index import ErrorRow
    from .semantics.reference import NonFinite
    from .verify.claims import ClaimResult

# --- text -------------------------------------------------------------------------------------------------------------


def load(path: str, real: str = "f64") -> Any:
    """A file as a module of `lang`; `real` is what the type of that name stands for."""
    from .lang.module import load_module

    return load_module(path, real)


def parse(text: str, real: str = "f64") -> Any:
    """A text as a module of `lang`."""
    from .lang.module import parse_module

    return parse_module(text, real=real)


def diagnostics(module: Any) -> Sequence[Diagnostic]:
    """What is wrong with a module."""
    return module.diagnostics


def definition_names(module: Any) -> tuple[str, ...]:
    """The names of its definitions, in the order of the text."""
    return module.names


def entry(module: Any, name: str) -> tuple[ir.Program, Any, Span]:
    """The full-stage program of a definition, the definitions that it may mention, and its text."""
    from .lang.surface.limits import room_to_recurse

    with room_to_recurse():
        program = module.program(name)
    return program, module.definitions, module.checked.definitions[name].definition.span


def operator_item(module: Any, name: str) -> Any:
    """The tree of an operator's item."""
    from .lang.surface import ast

    for item in module.checked.tree.items:
        if isinstance(item, ast.Def) and item.keyword == "operator" and item.name == name:
            return item
    known = ", ".join(operator_names(module)) or "none"
    raise fail("E182", f"there is no operator `{name}`", actual=known, hint="operators are those after `operator`")


def operator_names(module: Any) -> tuple[str, ...]:
    """The names of a module's operators."""
    from .lang.surface import ast

    items = module.checked.tree.items
    return tuple(item.name for item in items if isinstance(item, ast.Def) and item.keyword == "operator")


def digest_of_definitions(definitions: Any) -> str:
    """What tells two sets of definitions apart."""
    return str(id(definitions))


def format_source(source: Source) -> str:
    """A program in the one layout."""
    from .lang.surface.format import format_source as run

    return run(source)


def error_rows() -> Mapping[str, ErrorRow]:
    """Every row of the error index by code."""
    from .errors import error_rows as rows

    return rows()


# --- programs ---------------------------------------------------------------------------------------------------------


def first_order(
    program: ir.Program, definitions: Any, sizes: Mapping[str, int], passes: Mapping[str, Any] | None = None
) -> ir.Program:
    """The first-order program at the given sizes; where all are known, short loops are unrolled.

    `passes` stand for derivative words instead of those that `transforms` gives.
    """
    from .lang.passes import INLINE, UNROLL

    if definitions is None:
        first = INLINE.function(substitute_sizes(program, sizes))
    else:
        from .lang.specialise import specialise

        first = specialise(program, definitions, sizes, {**transforms(), **(passes or {})})
    return first if first.sizes else UNROLL.function(first)


def transforms() -> Mapping[str, Any]:
    """The derivative words of the language, as functions of a program and the flags of its active inputs."""
    from .ad.transforms import TRANSFORMS

    return TRANSFORMS


def forward(program: ir.Program, active: tuple[bool, ...]) -> ir.Program:
    """(x, x_dot) -> (y, y_dot) over slots."""
    from .ad.forward import forward as run
    from .lang.passes import normalise

    return run(normalise(program), active)


def jet(program: ir.Program, order: int, given: tuple[tuple[int, ...], ...]) -> ir.Program:
    """(x, coefficients) -> (y, coefficients 1 to `order`) over slots; `given` lists orders per slot of x."""
    from .ad.taylor import jet as run
    from .lang.passes import normalise

    return normalise(run(normalise(program), order, given))


def forward_full(program: ir.Program, definitions: Any) -> tuple[ir.Program, Any]:
    """Forward mode where a program has no first-order form: the program, and the definitions it needs."""
    from .ad.full import PushedDefinitions
    from .ad.full import forward_full as run

    return run(program), PushedDefinitions(definitions)


def reverse(program: ir.Program, active: tuple[bool, ...]) -> ir.Program:
    """(x, y_bar) -> (y, x_bar) over slots."""
    from .ad.reverse import reverse as run
    from .lang.passes import normalise

    return run(normalise(program), active)


def value_and_gradient(program: ir.Program, slots: tuple[int, ...], memory: int | None = None) -> ir.Program:
    """x -> (y, gradient by these slots) over slots."""
    from .ad.derive import value_and_gradient as run

    return run(program, slots, memory=memory)


def gradient(program: ir.Program, slots: tuple[int, ...], memory: int | None = None) -> ir.Program:
    """x -> gradient by these slots, over slots."""
    from .ad.derive import gradient as run

    return run(program, slots, memory=memory)


def jacobian(program: ir.Program, slot: int) -> ir.Program:
    """x -> the derivative of every float output by one input slot."""
    from .ad.derive import jacobian as run

    return run(program, slot)


def compressed_jacobian(program: ir.Program, slot: int) -> ir.Program:
    """The same at known sizes, by as few directions as the pattern of the program allows."""
    from .ad.compressed import compressed

    return compressed(program, slot, compression(program, slot))


@memo(maxsize=64)
def compression(program: ir.Program, slot: int) -> Choice:
    """How a Jacobian at known sizes is computed, by the pattern of the program."""
    from .ad.compressed import can_reverse, choose
    from .semantics.sparsity import pattern

    return choose(pattern(program, slot), can_reverse(program, slot))


def select_outputs(program: ir.Program, kept: Sequence[int]) -> ir.Program:
    """The program with some of its outputs."""
    from .ad.derive import select_outputs as run

    return run(program, kept)


def vmap(program: ir.Program, mapped: tuple[bool, ...], size: Any) -> ir.Program:
    """The program over lanes: marked inputs and all outputs gain a leading axis."""
    from .ad.vmap import vmap as run

    return run(program, mapped, size)


def flops(program: ir.Program, sizes: Mapping[str, int]) -> int:
    """Operations of one run; E166 when a size is not given."""
    from .ad.cost import flops as run
    from .lang.passes import normalise

    missing = [name for name in program.sizes if name not in sizes]
    if missing:
        raise fail(
            "E166", f"counting operations needs the size `{missing[0]}`", hint=f"give it by name: {missing[0]}=10"
        )
    return run(normalise(substitute_sizes(program, sizes)))


# --- running ----------------------------------------------------------------------------------------------------------


def evaluate(program: ir.Program, definitions: Any, leaves: Sequence[Any], sizes: Mapping[str, int]) -> list[Any]:
    """Results by the reference, which stops with a diagnostic where the program goes wrong."""
    from .semantics.reference import evaluate as run

    program, lookup = _runnable(program, definitions, sizes)
    return list(run(program, leaves, sizes, lookup))


def first_nonfinite(
    program: ir.Program, definitions: Any, leaves: Sequence[Any], sizes: Mapping[str, int]
) -> NonFinite | None:
    """The first step that made a value that is not finite."""
    from .semantics.reference import first_nonfinite as run

    program, lookup = _runnable(program, definitions, sizes)
    return run(program, leaves, sizes, lookup)


def _runnable(program: ir.Program, definitions: Any, sizes: Mapping[str, int]) -> tuple[ir.Program, Any]:
    """A program the reference can walk: as it is, or specialised where derivative words need passes."""
    if definitions is None:
        return program, None
    if _differentiates(program, definitions):
        return first_order(program, definitions, sizes), None
    return program, definitions.resolve


def _differentiates(program: ir.Program, definitions: Any) -> bool:
    """Whether a program, or a definition it may call, applies a derivative word; long chains of calls cost no depth."""
    seen: set[Any] = set()
    waiting = [program]
    while waiting:
        for step in waiting.pop().steps:
            if isinstance(step.op, ir.Transform):
                return True
            waiting.extend(ir.bodies(step.op))
            if isinstance(step.op, ir.Function) and (step.op.module, step.op.name, step.op.types) not in seen:
                seen.add((step.op.module, step.op.name, step.op.types))
                waiting.append(definitions.resolve(step.op))
    return False


def function_value(program: ir.Program) -> Any:
    """A program as a function value of the reference."""
    from .semantics.reference import Closure

    return Closure(program)


def compile_with(backend: str, program: ir.Program) -> Any:
    """A callable over NumPy arrays in slot order."""
    from .codegen.backends import compile_with as run

    return run(backend, program)


def preferred(program: ir.Program, sizes: Mapping[str, int]) -> tuple[str, str]:
    """The compiled back end that should be faster at these sizes, and why."""
    from .codegen.choice import preferred as run
    from .lang.passes import normalise

    return run(normalise(substitute_sizes(program, sizes)))


def is_installed(backend: str) -> bool:
    """Whether the package behind a back end that compiles is there."""
    from .codegen.backends import is_installed as run

    return run(backend)


def build(library: Any, folder: Path, emit: Sequence[str], cpu: str) -> list[Path]:
    """The files of a library for C."""
    from .codegen.artefacts.build import build as run

    return run(library, folder, emit, cpu)


def jax_values(program: ir.Program, leaves: Sequence[Any], backend: str) -> Sequence[Any]:
    """Results as JAX values, inside a trace or not, through the primitive that carries the program."""
    from ._embed import apply

    return apply(program, leaves, backend)


def is_concrete(array: Any) -> bool:
    """Whether an array has values, and does not stand for one during a trace of JAX."""
    from .lang._jax import is_concrete as run

    return run(array)


def arrays_as(arrays: Sequence[Any], dtype: str) -> tuple[Any, ...]:
    """Arrays with every float of the other width converted."""
    return tuple(
        array.astype(numpy_dtype(dtype)) if str(array.dtype) in ("float32", "float64") else array for array in arrays
    )


def run_tests(module: Any, backends: tuple[str, ...], seed: int, only: str | None) -> list[ClaimResult]:
    """The results of every claim on every back end."""
    from .verify.claims import Tools, run_claims

    definitions = module.definitions

    def first(program: ir.Program) -> ir.Program:
        return first_order(program, definitions, {})

    def run(program: ir.Program, leaves: Sequence[Any], backend: str) -> list[Any]:
        if backend == "reference":
            return evaluate(program, definitions, leaves, {})
        return list(compile_with(backend, first(program))(leaves))

    tools = Tools(
        expression=module.claim,
        first=first,
        evaluate=run,
        is_limit=lambda code: (row := error_rows().get(code)) is not None and row.kind == "limit",
    )
    chosen = [test for test in module.tests if only is None or only in test.test.name]
    return [result for test in chosen for result in run_claims(test, backends, seed, tools)]
