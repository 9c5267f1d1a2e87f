"""What every back end that compiles refuses, in the same words: sizes still open, steps that are not first-order, and
arguments that do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from ..lang.diagnostics import DiagnosticError, fail
from ..lang.ir import Program, Step


def require_known_sizes(program: Program) -> None:
    """E140 when a size is still a variable."""
    if program.sizes:
        raise fail(
            "E140",
            f"`{program.name}` still has size variables",
            actual=", ".join(program.sizes),
            hint="give the arguments, or the sizes, before compiling",
        )


def not_first_order(step: Step) -> DiagnosticError:
    """E141 for a step that works on functions or variants."""
    return fail(
        "E141",
        f"a function value or variant ({type(step.op).__name__}) cannot be compiled",
        step.origin,
        hint="run it with the reference evaluator",
    )


def require_count(program: Program, arguments: Sequence[object]) -> None:
    """E143 when there are more or fewer arguments than inputs."""
    if len(arguments) != len(program.inputs):
        raise fail(
            "E143",
            f"`{program.name}` got a wrong number of arrays",
            expected=str(len(program.inputs)),
            actual=str(len(arguments)),
            hint="give one array per slot",
        )


def wrong_shape(program: Program, number: int, shape: Sequence[int]) -> DiagnosticError:
    """E143 for an argument of another shape."""
    return fail(
        "E143",
        f"`{program.name}` got an array of a wrong shape",
        expected=str(program.inputs[number]),
        actual=str(list(shape)),
        hint="a compiled program is made for one set of shapes",
    )
