"""Solutions of linear systems: how a program says that its results solve ``A(c) x = b``, whatever its steps do.

The inputs of such a program are constants c, then right-hand sides b; its results are the x, one per right-hand side.
Three of its rules make it a solution: ``matvec`` is (c, x) -> A(c) x, ``vecmat`` is (c, y) -> transpose(A(c)) y, and
``transpose_solve`` is (c, b) -> x with transpose(A(c)) x = b. Derivatives follow from the equation and never from the
steps, which may run a solver of their own or use a factorisation that was made outside.
"""

from __future__ import annotations

from dataclasses import replace

from .ir import Program

KINDS = ("matvec", "transpose_solve", "vecmat")


def solution(program: Program, matvec: Program, vecmat: Program, transpose_solve: Program) -> Program:
    """The program as the solution of a system; all four take the constants and then as many arrays as they give."""
    return replace(program, rules=tuple(zip(KINDS, (matvec, transpose_solve, vecmat), strict=True)))


def is_solution(program: Program) -> bool:
    """Whether the results are stated to solve a linear system."""
    return any(kind == "matvec" for kind, _ in program.rules)


def constants(program: Program) -> int:
    """How many inputs of a solution stand in front of the right-hand sides."""
    return len(program.inputs) - len(program.outputs)


def part(program: Program, kind: str) -> Program:
    """One of the rules of a solution."""
    found = program.rule(kind)
    assert found is not None
    return found


def transposed(program: Program) -> Program:
    """The solution of the transposed system, with the same constants."""
    matvec, transpose_solve, vecmat = (part(program, kind) for kind in KINDS)
    return solution(transpose_solve, vecmat, matvec, replace(program, rules=()))
