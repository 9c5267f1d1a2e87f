"""Running small texts both ways: the full-stage program by the reference, and its specialisation by the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pushforward.ad.transforms import TRANSFORMS
from pushforward.lang.ir import Program, bodies
from pushforward.lang.module import Module, parse_module
from pushforward.lang.specialise import specialise
from pushforward.semantics.reference import evaluate

FIRST_ORDER = {"Constant", "SizeValue", "Apply", "Each", "Fold", "Branch", "Call"}


def module_of(text: str) -> Module:
    """The module of a text without errors."""
    module = parse_module(text)
    module.require()
    return module


def first_order(module: Module, name: str = "main", sizes: dict[str, int] | None = None, **known: Any) -> Program:
    """The specialised program of a definition."""
    return specialise(module.program(name), module.definitions, sizes, TRANSFORMS, **known)


def operations(program: Program) -> set[str]:
    """The names of the operations of a program and its bodies."""
    found = {type(step.op).__name__ for step in program.steps}
    for step in program.steps:
        for body in bodies(step.op):
            found |= operations(body)
    return found


def run_both(text: str, arguments: Sequence[Any], sizes: dict[str, int] | None = None) -> list[Any]:
    """Results of `main`, after checking that both ways agree."""
    module = module_of(text)
    full = evaluate(module.program("main"), arguments, sizes, definitions=module.definitions.resolve)
    results = run_first_order(text, arguments, sizes)
    for one, other in zip(full, results, strict=True):
        np.testing.assert_array_equal(one, other)
    return results


def run_first_order(text: str, arguments: Sequence[Any], sizes: dict[str, int] | None = None) -> list[Any]:
    """Results of the specialised `main`."""
    program = first_order(module_of(text), sizes=sizes)
    assert operations(program) <= FIRST_ORDER
    return evaluate(program, arguments, sizes)
