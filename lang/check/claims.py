"""Test blocks: every claim is typed; `fails` is typed apart, and what that finds is kept."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import Diagnostic, DiagnosticError, fail
from ..source import Span
from ..surface import ast
from ..typed import CheckedTest, Meaning, Typing
from .annotations import Generics
from .core import Checker
from .derivatives import point, tangents
from .finish import finish
from .report import show_open
from .scope import ModuleScope
from .unify import ERROR


def check_test(test: ast.Test, scope: ModuleScope) -> tuple[CheckedTest, list[Diagnostic]]:
    """A test after checking, with the errors of its claims."""
    types: dict[int, ty.Type] = {}
    meanings: dict[int, Meaning] = {}
    unproved: list[Span] = []
    diagnostics: list[Diagnostic] = []
    expected: dict[int, tuple[Diagnostic, ...]] = {}
    for place, claim in enumerate(test.claims):
        typing, found = _claim(claim, scope)
        types |= typing.types
        meanings |= typing.meanings
        unproved += typing.unproved
        if isinstance(claim, ast.Fails):
            expected[place] = tuple(found)
        else:
            diagnostics += found
    typing = Typing(types, meanings, tuple(unproved))
    return CheckedTest(test, typing, expected), diagnostics


def _claim(claim: ast.Claim, scope: ModuleScope) -> tuple[Typing, list[Diagnostic]]:
    checker = Checker(scope, Generics())
    try:
        _type_claim(checker, claim)
    except DiagnosticError as error:
        checker.diagnostics.extend(error.diagnostics)
    typing, _ = finish(checker, claim.span)
    return typing, checker.diagnostics


def _type_claim(checker: Checker, claim: ast.Claim) -> None:
    match claim:
        case ast.Check(value=value, expected=None):
            checker.check(value, ty.BOOL, "a claim without `~=`")
        case ast.Check(value=value, expected=expected, tolerance=tolerance):
            found = checker.attempt(value)
            assert expected is not None
            checker.check(expected, found, "the expected value")
            _compared(checker, value, found)
            if tolerance is not None:
                checker.check(tolerance, ty.F64, "the tolerance")
        case ast.Dot(function=function, point=arguments):
            _at(checker, function, arguments)
        case ast.Cost(function=function, point=arguments, bound=bound):
            _at(checker, function, arguments)
            checker.check(bound, ty.F64, "the bound on the cost")
        case ast.Fails(value=value):
            checker.infer(value)


def _compared(checker: Checker, node: ast.Expr, type_: ty.Type) -> None:
    """Only data can be compared."""
    head = checker.head(type_)
    if isinstance(head, ty.Fun):
        raise fail(
            "E037",
            "functions cannot be compared",
            node.span,
            actual=show_open(checker.unifier, head),
            hint="compare their values at a point",
        )


def _at(checker: Checker, function: ast.Expr, arguments: ast.Expr | None) -> None:
    found = checker.head(checker.infer(function))
    if found is ERROR:
        return
    if not isinstance(found, ty.Fun):
        raise fail(
            "E052",
            "this claim is about a function",
            function.span,
            actual=show_open(checker.unifier, found),
            hint="name a definition, or write fn (x: f64) => …",
        )
    if arguments is not None:
        point(checker, found, arguments)
    tangents(checker, found, function.span)
