"""Custom derivative rules of a definition: ``with vjp g`` and ``with jvp h`` are given functions that must fit."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import fail, suggest
from ..sizes import variable
from ..surface import ast
from ..typed import Scheme
from .core import Checker
from .derivatives import packed, tangent
from .report import show_open
from .unify import Mismatch, SizeOf


def check_rules(checker: Checker, item: ast.Def, scheme: Scheme, result: ty.Type) -> None:
    """Check every rule of a definition and record what its function means; E030, E054, E056."""
    for rule in item.rules:
        if rule.kind == "jet":
            raise fail(
                "E054",
                "there are no rules for Taylor mode (`jet`)",
                rule.span,
                hint="give a rule `with jvp` or `with vjp`: Taylor mode uses it at every order",
            )
        if rule.kind not in ("vjp", "jvp"):
            message = f"there are no rules of kind `{rule.kind}`"
            raise fail("E056", message, rule.span, hint="`with vjp g` or `with jvp h`")
        found = checker.scope.definition(rule.function, rule.span)
        if found is None:
            advice = suggest(rule.function, checker.scope.own)
            raise fail("E030", f"there is no definition `{rule.function}`", rule.span, hint=advice)
        if found.scheme is not None:
            meaning, actual, _ = checker.instantiate(found.module, found.name, found.scheme, rule.span)
            checker.meanings[id(rule)] = meaning
            _fits(checker, rule, expected_rule(checker, rule, scheme, result), actual)


def expected_rule(checker: Checker, rule: ast.Rule, scheme: Scheme, result: ty.Type) -> ty.Fun:
    """The type of the rule's function: g(x…, y_bar) -> x_bar, or h(x…, x_dot…) -> y_dot."""
    inputs = tuple(
        SizeOf(variable(name)) if isinstance(type_, ty.SizeType) else type_ for name, type_ in scheme.parameters
    )
    parts = [tangent(checker, type_, rule.span) for type_ in inputs]  # type: ignore[arg-type]
    result_tangent = tangent(checker, result, rule.span)
    if rule.kind == "vjp":
        return ty.Fun((*inputs, result_tangent), packed(parts))  # type: ignore[arg-type]
    moving = tuple(part for part in parts if part != ty.UNIT)
    return ty.Fun((*inputs, *moving), result_tangent)  # type: ignore[arg-type]


def _fits(checker: Checker, rule: ast.Rule, expected: ty.Fun, actual: ty.Fun) -> None:
    try:
        checker.unifier.unify(expected, actual, rule.span)
    except Mismatch:
        takes = "the parameters, then y_bar" if rule.kind == "vjp" else "the parameters, then their tangents"
        raise fail(
            "E056",
            f"`{rule.function}` does not fit as the {rule.kind} rule",
            rule.span,
            expected=show_open(checker.unifier, expected),
            actual=show_open(checker.unifier, actual),
            hint=f"it takes {takes}",
        ) from None
