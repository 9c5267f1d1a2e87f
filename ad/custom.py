"""Custom rules of a program, in the mode that is asked for: a rule of the other mode is transposed.

A jvp rule maps ``(x, x_dot)`` to ``y_dot`` and a vjp rule ``(x, y_bar)`` to ``x_bar``; each is linear in its last
inputs, so either gives the other.
"""

from __future__ import annotations

from ..lang.diagnostics import fail
from ..lang.ir import Program
from .reverse import NotLinear, transpose


def tangent_rule(program: Program) -> Program:
    """``(x, x_dot) -> y_dot`` of a program with custom rules; E116 when a vjp rule is not linear."""
    return _rule(program, "jvp", "vjp")


def cotangent_rule(program: Program) -> Program:
    """``(x, y_bar) -> x_bar`` of a program with custom rules; E116 when a jvp rule is not linear."""
    return _rule(program, "vjp", "jvp")


def _rule(program: Program, kind: str, other: str) -> Program:
    rule = program.rule(kind)
    if rule is not None:
        return rule
    rule = program.rule(other)
    assert rule is not None
    count = len(program.inputs)
    try:
        return transpose(rule, tuple(k >= count for k in range(len(rule.inputs))))
    except NotLinear:
        span = next((step.origin for step in rule.steps if step.origin is not None), None)
        raise fail(
            "E116",
            f"the {other} rule of `{program.name}` is not linear in its last inputs",
            span,
            hint="a rule multiplies tangents or cotangents by numbers that depend on the point, and adds",
        ) from None
