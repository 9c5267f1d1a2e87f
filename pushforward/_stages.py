"""Programs for people: a program and the name of a stage enter, the text of the program at that stage leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import _wire
from .lang import ir
from .lang.constants import numpy_dtype
from .lang.diagnostics import fail
from .lang.source import Source

if TYPE_CHECKING:
    from ._program import Program


def show(program: Program, stage: str, after: str | None, sizes: Mapping[str, int]) -> str:
    """A program as text at a stage, or after one pass of the stage's pipeline."""
    if stage == "surface":
        if program.source is None:
            raise fail("E188", f"`{program.name}` is derived and has no text", hint="use --stage first")
        return _wire.format_source(Source(program.name, program.source.text)).rstrip()
    if stage == "full":
        return _text(program.ir)
    if stage == "readable":
        from .lang.text.readable import readable

        return readable(program.ir if program.definitions is None else program.first(sizes))
    if stage == "sparsity":
        return _sparsity(program, sizes)
    first = program.first(sizes)
    if stage == "jaxpr":
        return _jaxpr(first)
    if stage in ("llvm", "asm"):
        from .codegen.llvm.compile import shown

        return shown(first, stage)
    if stage == "memory":
        return _memory(program, first)
    if stage in ("forward", "reverse"):
        from ._derived import as_call

        first = as_call(first)
        active = tuple(isinstance(type_, ir.ArrayType) and type_.is_float for type_ in first.inputs)
        first = _wire.forward(first, active) if stage == "forward" else _wire.reverse(first, active)
    return _text(_passed(first, stage, after))


def _passed(program: ir.Program, stage: str, after: str | None) -> ir.Program:
    from .lang.passes import NORMALISE

    passes = NORMALISE
    if stage == "vector":
        from .codegen.xla.pipeline import PASSES

        passes = PASSES
    if stage == "loops":
        from .codegen.llvm.pipeline import PASSES

        passes = PASSES
    names = [one.name for one in passes]
    if after is not None and after not in names:
        raise fail(
            "E188", f"the stage `{stage}` has no pass `{after}`", hint=f"passes: {', '.join(dict.fromkeys(names))}"
        )
    for one in passes:
        program = one.function(program)
        if one.name == after:
            break
    return program


def _memory(program: Program, first: ir.Program) -> str:
    """The arrays of native code; of a definition also those of its value and gradient, where there is one."""
    from . import _derived
    from ._program import floats
    from .ad.activity import is_float
    from .lang.types import Scalar

    found = {program.name: first}
    call = _derived.as_call(first)
    one_float = isinstance(_derived.signature(call).output, Scalar) and is_float(call.output_types[0])
    if program.recipe is None and one_float and any(map(is_float, call.inputs)):
        names = floats(program.signature)
        chosen = _derived.select(call, names[0] if len(names) == 1 else names)
        title = f"{program.name}, value and gradient by {', '.join(names)}"
        found[title] = _derived.gradient(call, chosen, with_value=True)
    return "\n\n".join(f"{title}\n{_arrays(one)}" for title, one in found.items())


def _arrays(program: ir.Program) -> str:
    from ._derived import hidden, signature
    from .codegen.llvm.memory_report import memory_report
    from .semantics.results import places

    known = signature(program)
    inputs = [f"captured {k}" for k in range(hidden(program))]
    inputs += [place for name, type_ in known.inputs for place in places(type_, name)]
    return memory_report(program, inputs, list(places(known.output, "result")))


def _sparsity(program: Program, sizes: Mapping[str, int]) -> str:
    from . import _derived
    from ._program import floats

    recipe = program.recipe
    if recipe is not None and recipe.sparsity is not None:
        return recipe.sparsity(_derived.as_call(recipe.base.first(sizes)))
    first = _derived.as_call(program.first(sizes))
    return _derived.sparsity(first, _derived.select(first, floats(program.signature)))


def _text(program: ir.Program) -> str:
    from .lang.text.print_ir import show_program

    return show_program(program).rstrip()


def _jaxpr(program: ir.Program) -> str:
    import jax

    from .codegen.xla.compile import to_jax_function

    if program.sizes:
        raise fail("E166", f"the jaxpr needs the size `{program.sizes[0]}`", hint=f"give it: {program.sizes[0]}=10")
    with jax.enable_x64(True):
        shapes = [
            jax.ShapeDtypeStruct(type_.shape, numpy_dtype(type_.dtype))
            for type_ in program.inputs
            if isinstance(type_, ir.ArrayType)
        ]
        return str(jax.make_jaxpr(to_jax_function(program))(*shapes))
