"""Claims of test blocks: a checked module enters, one result per claim and back end leaves.

``a ~= b`` holds when |a - b| <= 1e-12 + 1e-9 |b| in every element; ``within t`` when |a - b| <= t max(1, |b|). Integers
and booleans are compared exactly, infinities must have the same sign, and nan equals nan. `dot` is the adjoint test:
for random u and v, <u, J v> by forward mode equals <J^T u, v> by reverse mode. `cost` compares operation counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..ad.derive import cost
from ..ad.forward import forward
from ..ad.reverse import reverse
from ..lang.builder import Builder
from ..lang.constants import numpy_dtype
from ..lang.diagnostics import Diagnostic, DiagnosticError, fail
from ..lang.ir import ArrayType, FunType, Invoke, Program, without_rules
from ..lang.surface import ast
from ..lang.typed import CheckedTest

RELATIVE, ABSOLUTE = 1e-9, 1e-12
DOT_TOLERANCE = 1e-8

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What became of claim number `place` of a test on one back end; a skipped one says why it cannot run there."""

    test: str
    place: int
    kind: str
    text: str
    backend: str
    status: Status
    why: str = ""
    diagnostic: Diagnostic | None = None

    def to_json(self) -> dict[str, object]:
        """The result without its diagnostic, which is reported apart."""
        names = ("test", "place", "kind", "text", "backend", "status", "why")
        return {name: getattr(self, name) for name in names}


def difference(value: Any, expected: Any, tolerance: float | None) -> str | None:
    """Where two arrays differ by more than the tolerance, in words; None when they agree.

    >>> difference(np.array(1.0 + 1e-10), np.array(1.0), None)
    >>> difference(np.array([1.0, 2.5]), np.array([1.0, 2.0]), 0.1)
    'element [1] is 2.5, not 2.0 (off by 0.5, allowed 0.2)'
    """
    value, expected = np.asarray(value), np.asarray(expected)
    if value.shape != expected.shape:
        return f"the shapes differ: {list(value.shape)} and {list(expected.shape)}"
    if value.dtype.kind != "f" and expected.dtype.kind != "f":
        wrong, allowed = value != expected, np.zeros(value.shape)
    else:
        value, expected = value.astype(np.float64), expected.astype(np.float64)
        allowed = _allowed(expected, tolerance)
        with np.errstate(invalid="ignore", over="ignore"):
            close = np.abs(value - expected) <= allowed
        same = (value == expected) | (np.isnan(value) & np.isnan(expected))
        wrong = ~(same | (close & np.isfinite(value) & np.isfinite(expected)))
    if not wrong.any():
        return None
    place = tuple(int(axis[0]) for axis in np.nonzero(wrong)) if wrong.ndim else ()
    return _wording(value[place].item(), expected[place].item(), float(allowed[place]), place)


def _allowed(expected: np.ndarray, tolerance: float | None) -> np.ndarray:
    size = np.abs(expected)
    return ABSOLUTE + RELATIVE * size if tolerance is None else tolerance * np.maximum(1.0, size)


def _wording(value: Any, expected: Any, allowed: float, place: Sequence[int]) -> str:
    where = f"element {list(place)} is " if place else ""
    text = f"{where}{value}, not {expected}"
    if isinstance(value, float) and np.isfinite(value) and np.isfinite(expected):
        text += f" (off by {abs(value - expected):.3g}, allowed {allowed:.3g})"
    return text


# --- running a claim -------------------------------------------------------------------------------------------------

Arrays = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What claims need of the layers that wire packages together.

    `expression` elaborates an expression of a test, `first` gives the first-order program, `evaluate` runs a program on
    a back end, `is_limit` tells a limit of this version from an error.
    """

    expression: Callable[[CheckedTest, ast.Expr], Program]
    first: Callable[[Program], Program]
    evaluate: Callable[[Program, Arrays, str], list[Any]]
    is_limit: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Setting:
    tools: Tools
    test: CheckedTest
    backend: str
    seed: int

    def value(self, node: ast.Expr) -> list[Any]:
        """The leaves of an expression on the back end."""
        return self.tools.evaluate(self.tools.expression(self.test, node), [], self.backend)


def run_claims(
    test: CheckedTest,
    backends: Sequence[str],
    seed: int,
    tools: Tools,
) -> Iterator[ClaimResult]:
    """The results of one test block."""
    for place, claim in enumerate(test.test.claims):
        kind = type(claim).__name__.lower()
        text = " ".join(claim.span.text.split())
        for backend in _backends_of(claim, backends):
            setting = _Setting(tools, test, backend, seed)
            try:
                wrong = _run(claim, setting, test.expected_failures.get(place, ()))
            except DiagnosticError as error:
                found = error.diagnostics[0]
                if tools.is_limit(found.code) and backend != "reference":
                    yield ClaimResult(test.test.name, place, kind, text, backend, "skipped", found.message)
                    continue
                wrong = found
            status: Status = "passed" if wrong is None else "failed"
            why = "" if wrong is None else wrong.message
            yield ClaimResult(test.test.name, place, kind, text, backend, status, why, wrong)


def _backends_of(claim: ast.Claim, backends: Sequence[str]) -> Sequence[str]:
    """Costs do not depend on the back end, and expected failures belong to the reference, which stops at errors."""
    return backends if isinstance(claim, (ast.Check, ast.Dot)) else ("reference",)


def _run(claim: ast.Claim, setting: _Setting, failures: Sequence[Diagnostic]) -> Diagnostic | None:
    match claim:
        case ast.Check():
            return _check(claim, setting)
        case ast.Dot():
            return _dot(claim, setting)
        case ast.Cost():
            return _cost(claim, setting)
        case ast.Fails():
            return _fails(claim, setting, failures)


def _check(claim: ast.Check, setting: _Setting) -> Diagnostic | None:
    value = setting.value(claim.value)
    if claim.expected is None:
        if all(bool(np.all(leaf)) for leaf in value):
            return None
        hint = "compare with `~=` to see both values"
        return Diagnostic("E190", f"the claim is false ({setting.backend})", claim.value.span, hint=hint)
    tolerance = None if claim.tolerance is None else float(setting.value(claim.tolerance)[0])
    for leaf, expected in zip(value, setting.value(claim.expected), strict=True):
        wrong = difference(leaf, expected, tolerance)
        if wrong is not None:
            return Diagnostic(
                "E190",
                f"{wrong} ({setting.backend})",
                claim.span,
                expected=_brief(expected),
                actual=_brief(leaf),
                hint=_hint(leaf, expected, claim.tolerance is None),
            )
    return None


def _hint(value: Any, expected: Any, usual: bool) -> str:
    """`within` helps where the two are near each other, and only there."""
    near = usual and np.shape(value) == np.shape(expected) and difference(value, expected, 1e-3) is None
    return (
        "if rounding explains it, say how much: add `within 1e-6`"
        if near
        else "the difference is too large for rounding"
    )


def _brief(leaf: Any) -> str:
    return np.array2string(np.asarray(leaf), threshold=8, precision=17, separator=", ").replace("\n", " ")


def _applied(function: ast.Expr, point: ast.Expr | None, setting: _Setting) -> tuple[Program, list[Any]]:
    """The first-order program of a function on its float arguments, and the point; other arguments are fixed in it."""
    own = setting.tools.expression(setting.test, function)
    (type_,) = own.output_types
    if not isinstance(type_, FunType):
        hint = "name a definition, or write fn (x: f64) => …"
        raise fail("E190", f"the claim needs a function, not {type_}", function.span, hint=hint)
    if point is None:
        return _at_any_point(own, type_, function, setting)
    fixed = setting.tools.expression(setting.test, point)
    if len(fixed.outputs) != len(type_.inputs):
        message = f"the function takes {len(type_.inputs)} arrays, the point has {len(fixed.outputs)}"
        raise fail("E190", message, point.span, hint="write the arguments after `at`, several as a tuple")
    floats = [k for k, leaf in enumerate(type_.inputs) if isinstance(leaf, ArrayType) and leaf.is_float]
    values = setting.tools.evaluate(fixed, [], "reference")
    builder = Builder("applied", [fixed.output_types[k] for k in floats])
    builder.origin = function.span
    arguments = list(builder.inline(fixed, ()))
    for slot, k in enumerate(floats):
        arguments[k] = slot
    (closure,) = builder.inline(own, ())
    outputs = builder.emit(Invoke(), (closure, *arguments), type_.outputs)
    return setting.tools.first(builder.build(outputs)), [np.asarray(values[k]) for k in floats]


def _at_any_point(own: Program, type_: FunType, function: ast.Expr, setting: _Setting) -> tuple[Program, list[Any]]:
    builder = Builder("applied", type_.inputs)
    builder.origin = function.span
    (closure,) = builder.inline(own, ())
    outputs = builder.emit(Invoke(), (closure, *range(len(type_.inputs))), type_.outputs)
    return setting.tools.first(builder.build(outputs)), []


def _dot(claim: ast.Dot, setting: _Setting) -> Diagnostic | None:
    program, point = _applied(claim.function, claim.point, setting)
    if not point:
        message = "there is nothing to differentiate by: no argument is a float"
        return Diagnostic("E191", message, claim.point.span, hint="claim it of a function with a float argument")
    random = np.random.default_rng(setting.seed)
    outputs = [type_ for type_ in program.output_types if isinstance(type_, ArrayType) and type_.is_float]
    active = tuple(True for _ in point)
    x_dot = [_direction(random, np.shape(x), np.asarray(x).dtype) for x in point]
    plain, results = forward(without_rules(program), active), len(program.outputs)
    shapes = [np.shape(y) for y in setting.tools.evaluate(plain, [*point, *x_dot], "reference")]
    y_bar = [
        _direction(random, shape, numpy_dtype(type_.dtype))
        for shape, type_ in zip(shapes[results:], outputs, strict=True)
    ]
    x_bar = setting.tools.evaluate(reverse(program, active), [*point, *y_bar], setting.backend)[results:]
    # Forward mode of the bodies shows a wrong rule; forward mode of the rules shows two that do not fit together.
    for pushed_program in (plain, forward(program, active)):
        y_dot = setting.tools.evaluate(pushed_program, [*point, *x_dot], setting.backend)[results:]
        pushed, pulled = _inner(y_bar, y_dot), _inner(x_bar, x_dot)
        scale = max(1.0, _absolute(y_bar, y_dot), _absolute(x_bar, x_dot))
        precise = all(array.dtype == np.float64 for array in x_dot)
        if not abs(pushed - pulled) <= (DOT_TOLERANCE if precise else 1e-3) * scale:
            return Diagnostic(
                "E191",
                f"forward and reverse mode disagree ({setting.backend}, seed {setting.seed})",
                claim.span,
                expected=f"<u, J v> = {pushed}",
                actual=f"<J^T u, v> = {pulled}",
                hint="check the rules given by `with vjp` and `with jvp` against the body and each other",
            )
    return None


def _direction(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.asarray(random.standard_normal(shape), dtype)


def _inner(left: Arrays, right: Arrays) -> float:
    return float(sum(np.sum(np.asarray(a, np.float64) * b) for a, b in zip(left, right, strict=True)))


def _absolute(left: Arrays, right: Arrays) -> float:
    return float(sum(np.sum(np.abs(np.asarray(a, np.float64) * b)) for a, b in zip(left, right, strict=True)))


def _cost(claim: ast.Cost, setting: _Setting) -> Diagnostic | None:
    program, _ = _applied(claim.function, claim.point, setting)
    (bound,) = setting.value(claim.bound)
    slots = tuple(k for k, type_ in enumerate(program.inputs) if isinstance(type_, ArrayType) and type_.is_float)
    if not _has_one_float(program) or not slots:
        message = "a cost is claimed for functions from floats to one float"
        return Diagnostic("E192", message, claim.function.span, hint="claim it of a sum of the results")
    if program.sizes:
        hint = "for example: cost f at (x) <= 4.0"
        return Diagnostic("E192", "the cost depends on sizes: add a point with `at`", claim.span, hint=hint)
    found = cost(program, slots)
    if found.ratio <= float(bound):
        return None
    ratio = f"{found.gradient} / {found.value} = {found.ratio:.3g} flops"
    return Diagnostic(
        "E192",
        "the gradient costs more than claimed",
        claim.span,
        expected=f"<= {bound}",
        actual=ratio,
        hint="`pf show FILE f --stage reverse` shows what is computed; or claim a larger bound",
    )


def _has_one_float(program: Program) -> bool:
    (first, *rest) = program.output_types or (None,)
    return isinstance(first, ArrayType) and first.is_float and not first.shape and not rest


def _fails(claim: ast.Fails, setting: _Setting, found: Sequence[Diagnostic]) -> Diagnostic | None:
    """The claim holds when checking the expression gave the code, or running it does."""
    if not found:
        try:
            setting.value(claim.value)
        except DiagnosticError as error:
            found = error.diagnostics
    codes = sorted({item.code for item in found})
    if claim.code in codes:
        return None
    actual = ", ".join(codes) if codes else "no diagnostic"
    hint = f"`pf explain {claim.code}` says what gives this code"
    return Diagnostic("E193", "it did not fail as claimed", claim.span, expected=claim.code, actual=actual, hint=hint)
