"""Run a pass and check what it leaves: the helper that every pass is tested through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from pushforward.lang.check_ir import check_program
from pushforward.lang.ir import Program

P = ParamSpec("P")


def checked(transform: Callable[Concatenate[Program, P], Program]) -> Callable[Concatenate[Program, P], Program]:
    """The pass with `check_program` on what enters and on what leaves."""

    def run(program: Program, *args: P.args, **kwargs: P.kwargs) -> Program:
        check_program(program)
        result = transform(program, *args, **kwargs)
        check_program(result)
        return result

    return run
