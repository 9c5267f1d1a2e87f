"""The error index: the tables of all packages and the rows of the surfaces, by code."""

from __future__ import annotations

from collections.abc import Mapping

from ._jet_errors import TAYLOR
from .ad.errors import DERIVATIVES
from .ad.operators.errors import PLANS
from .codegen.errors import ROWS as COMPILATION
from .lang.check.errors import CHECK
from .lang.differential.errors import OPERATORS
from .lang.elaborate.errors import ELABORATION
from .lang.errors_index import ErrorRow
from .lang.from_jax.errors import TRACING
from .lang.surface.errors import SYNTAX
from .lang.text.errors import TEXT
from .semantics.errors import ROWS as EVALUATION
from .semantics.solving.errors import ROWS as SOLVING
from .semantics.values_errors import ROWS as VALUES

SURFACES = (
    ErrorRow(
        "E150",
        "a result is not finite",
        "user",
        "The result holds inf or nan although every input is finite. The reference has run the program again and\n"
        "the caret shows the first step that left the finite numbers. Guard that step, or ask for such values with\n"
        '`.compile(nonfinite="allow")`.',
        "def f(x: f64): f64 = log(x)   -- at x = 0",
    ),
    ErrorRow(
        "E151",
        "an input is not finite",
        "user",
        "The result holds inf or nan because an input does; the message names the input and the position.",
        "f(float('nan'))",
    ),
    ErrorRow(
        "E152",
        "an array does not fit",
        "user",
        "An array, of the result or of a step before it, is larger than the memory or has more than 64 axes. Use\n"
        "smaller sizes, or a loop that keeps only what it still needs.",
        "def f(n: size): [n]f64 = for i < n => 1.0   -- with n = 1000000000000",
    ),
    ErrorRow(
        "E153",
        "a program nests too deep",
        "limit",
        "The text is well formed, but its branches, loops or types nest so deep that a later stage cannot walk them.\n"
        "Name parts of it as definitions of their own, or use a loop.",
        "def f(x: f64): f64 = if x > 0.0 then if x > 0.0 then …   -- some hundred times",
    ),
    ErrorRow(
        "E180",
        "a file cannot be written",
        "user",
        "The folder does not exist or is not writable, or the disk is full. `pf build` also leaves alone\n"
        "headers and LLVM text that it has not written.",
        "pf fmt /read/only/model.pf",
    ),
    ErrorRow(
        "E182",
        "there is no such definition",
        "user",
        "The module has no definition of that name. The message lists what it has.",
        'module["functoin"]',
    ),
    ErrorRow(
        "E183",
        "which definition is not clear",
        "user",
        "The module has several definitions (or none), so the command needs the name of one.",
        "pf run model.pf",
    ),
    ErrorRow(
        "E184",
        "no derivative by this input",
        "user",
        "`wrt` names an input that does not exist or is no float: integers, booleans and sizes have no derivative.",
        'pf.grad(f, wrt="n")',
    ),
    ErrorRow(
        "E185",
        "the program has the wrong shape for this transformation",
        "user",
        "A gradient needs one float result (with has_aux: in a pair with anything); vmap needs an axis that exists.",
        "pf.grad(f) where f gives an array",
    ),
    ErrorRow(
        "E186",
        "not in this version",
        "limit",
        "The request makes sense but this version cannot do it. The message says what can be done instead.",
        'pf.jit(f, backend="llvm")',
    ),
    ErrorRow(
        "E187",
        "there is no such error code",
        "user",
        "`pf explain list` prints every code.",
        "pf explain E999",
    ),
    ErrorRow(
        "E188",
        "there is no such stage, pass, back end or kind of file",
        "user",
        "The message lists those there are.",
        "pf show model.pf f --stage wrong",
    ),
    ErrorRow(
        "E190",
        "a claim of a test does not hold",
        "user",
        "A `check` gave false or values that differ by more than the tolerance; both are shown. `a ~= b` holds when\n"
        "|a - b| <= 1e-12 + 1e-9 |b| in every element, `within t` when |a - b| <= t max(1, |b|).",
        'test "wrong" { check 1.0 + 1.0 ~= 3.0 }',
    ),
    ErrorRow(
        "E191",
        "the two modes of differentiation disagree",
        "user",
        "`dot f at x` claims <u, J v> = <J^T u, v> for random u and v, with J by forward and J^T by reverse mode.\n"
        "Custom jvp and vjp rules that do not belong together break it.",
        'test "rule" { dot f at 1.0 }',
    ),
    ErrorRow(
        "E192",
        "a gradient costs more than claimed",
        "user",
        "`cost f at x <= b` bounds flops(value and gradient) / flops(value); the message shows both counts.",
        'test "cheap" { cost f at 1.0 <= 1.5 }',
    ),
    ErrorRow(
        "E193",
        "a failure that was claimed did not happen",
        "user",
        '`fails "E012" e` claims that checking or running `e` gives that code; it gave another one or none.',
        'test "fails" { fails "E012" 1.0 + 1.0 }',
    ),
    ErrorRow(
        "E194",
        "probing found a counter-example to a property",
        "user",
        "A derivative rule, or the program around it, breaks a property that derivatives have. The message gives the\n"
        "smallest arguments found, what was expected there, and the caret the step at fault. docs/probe.md explains\n"
        "every property.",
        "def g(x: f64, y_bar: f64): f64 = -(cos(x) * y_bar)\ndef f(x: f64): f64 with vjp g = sin(x)",
    ),
    ErrorRow(
        "E195",
        "this cannot be probed",
        "user",
        "Probing needs a function with a float input, arguments at which it has a finite value, and names of\n"
        "properties that exist. A Python function needs example arguments; a program holds its own rules.",
        "pf.probe(lambda x: x * x, 1)   -- 1 is no float",
    ),
)


TABLES: tuple[tuple[ErrorRow, ...], ...] = (
    SYNTAX,  # E001-E029
    TRACING,  # E200-E207
    CHECK,  # E030-E099
    OPERATORS,  # E215-E217, E219-E220
    PLANS,  # E218, E221-E230
    EVALUATION,  # E100-E111
    TEXT,  # E117
    DERIVATIVES,  # E112, E115-E119, E135-E136
    ELABORATION,  # E120-E139
    COMPILATION,  # E140-E149, E181, E189
    VALUES,  # E160-E173
    SURFACES,  # E150-E151, E180-E199
    TAYLOR,  # E210-E213
    SOLVING,  # E234-E242
)


def error_rows() -> Mapping[str, ErrorRow]:
    """Every row by code, sorted; a code belongs to one row.

    >>> error_rows()["E007"].title
    'comparisons do not chain'
    """
    found = (row for table in TABLES for row in table)
    return {row.code: row for row in sorted(found, key=lambda row: row.code)}


def example(row: ErrorRow) -> str:
    """The example of a row, cut short where it is large because size is the point; a NUL shows as its symbol."""
    text = row.example.strip().replace("\0", "\u2400")
    lines = text.splitlines()
    if len(text) <= 800 and len(lines) <= 25:
        return text
    return "\n".join(line[:100] for line in lines[:4]) + f"\n…  ({len(text)} characters, {len(lines)} lines)"


def as_markdown() -> str:
    """The page docs/errors.md; `python -m pushforward.errors` prints it."""
    parts = [
        "# Error index",
        "",
        "Generated from the rows of the error index; `pf explain CODE` prints one of them.",
        "",
    ]
    for row in error_rows().values():
        kind = "" if row.kind == "user" else " (a limit of this version)"
        parts += [
            f"## {row.code}: {row.title}{kind}",
            "",
            row.explanation.strip(),
            "",
            "```",
            example(row),
            "```",
            "",
        ]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
