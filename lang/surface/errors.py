"""The error index of the surface syntax: codes E001 to E020, each with a text that triggers it."""

from __future__ import annotations

from ..errors_index import ErrorRow

SYNTAX = (
    ErrorRow(
        "E001",
        "this does not fit here",
        "user",
        "A word or sign stands where the grammar allows something else. The message lists what could stand there.",
        "def f(x: f64): f64 = x x\n",
    ),
    ErrorRow(
        "E002",
        "a bracket is never closed",
        "user",
        "A `(`, `[` or `{` has no closing partner before the definition ends. The caret points at the opening one.",
        "def f(x: f64): f64 = (x + 1.0\n\ndef g(x: f64): f64 = x\n",
    ),
    ErrorRow(
        "E003",
        "a closing bracket has no partner",
        "user",
        "A closing bracket closes nothing, or closes a bracket of another kind.",
        "def f(x: f64): f64 = (x + 1.0]\n",
    ),
    ErrorRow(
        "E004",
        "`in` is missing",
        "user",
        "A chain of `let` ends with `in` and the expression that is its value: `let a = 1.0 let b = a in a + b`.",
        "def f(x: f64): f64 =\n  let y = x + 1.0\n  y * y\n",
    ),
    ErrorRow(
        "E005",
        "a text has no closing quotation mark",
        "user",
        'Names of tests, codes and paths stand between two `"` on one line.',
        'import "linear.pf\n',
    ),
    ErrorRow(
        "E006",
        "a character has no meaning",
        "user",
        "Programs are written with ASCII letters, digits and signs; comments and quoted texts may hold any character.",
        "def f(α: f64): f64 = α\n",
    ),
    ErrorRow(
        "E007",
        "comparisons do not chain",
        "user",
        "`a < b < c` would compare a truth value with `c`. Write both comparisons and join them with `and`.",
        "def f(x: f64): bool = 0.0 < x < 1.0\n",
    ),
    ErrorRow(
        "E008",
        "`=` does not compare",
        "user",
        "`=` gives a name to a value; `==` asks whether two values are equal.",
        "def f(x: f64): f64 = if x = 0.0 then 1.0 else x\n",
    ),
    ErrorRow(
        "E009",
        "this operator is spelt differently",
        "user",
        "The sign belongs to another language; the hint gives the spelling used here.",
        "def f(x: f64): f64 = x ** 2\n",
    ),
    ErrorRow(
        "E010",
        "this word belongs to another language",
        "user",
        "The construct exists here under another spelling, or is not needed; the hint says which.",
        "def f(x: f64): f64 = return x\n",
    ),
    ErrorRow(
        "E011",
        "comments start with `--`",
        "user",
        "A comment is `--`, a blank, and the rest of the line. Without the blank, `--x` is two minus signs.",
        "# squares a number\ndef f(x: f64): f64 = x^2\n",
    ),
    ErrorRow(
        "E012",
        "this does not start an item",
        "user",
        "A text is a list of items: `import`, `def`, `data`, `operator` and `test`.",
        "dfe f(x: f64): f64 = x\n",
    ),
    ErrorRow(
        "E013",
        "a number is written wrongly",
        "user",
        "Numbers are `3`, `3.0`, `3e5` and `3.0e-5`: digits stand on both sides of the point. "
        "Whole numbers have at most 400 digits.",
        "def f(x: f64): f64 = .5 * x\n",
    ),
    ErrorRow(
        "E014",
        "the text ends too early",
        "user",
        "The last definition is not complete.",
        "def f(x: f64): f64 =\n",
    ),
    ErrorRow(
        "E015",
        "this nests too deeply",
        "limit",
        "Expressions, types and patterns nest at most 400 levels deep; `a + b + …` is one level for each "
        "term. Long sums are written `sum(for i < n => …)`, and `let` gives names to parts.",
        "def f(x: f64): f64 = " + "(" * 401 + "x" + ")" * 401 + "\n",
    ),
    ErrorRow(
        "E016",
        "the text is too large",
        "limit",
        "A text has at most 4 MiB. Large data belong in a data file, long programs in several files.",
        "-- " + "large " * 700_000 + "\n",
    ),
    ErrorRow(
        "E017",
        "this is not a text in UTF-8",
        "user",
        "Programs are UTF-8 text without NUL characters. The message names the first byte that does not fit.",
        "def f(x: f64): f64 = x\0\n",
    ),
    ErrorRow(
        "E018",
        "the file cannot be read",
        "user",
        "The path does not exist, is a folder, or may not be read.",
        "pf check does_not_exist.pf",
    ),
    ErrorRow(
        "E019",
        "a word of the language is no name",
        "user",
        "Words such as `let`, `loop` or `score` always keep their meaning, also those reserved for what comes later.",
        "def f(score: f64): f64 = score\n",
    ),
    ErrorRow(
        "E020",
        "this expression needs parentheses here",
        "user",
        "`let`, `if`, `for`, `fn`, `loop` and `scan` reach as far right as they can. Inside an operand "
        "they stand in parentheses.",
        "def f(x: f64): f64 = 1.0 + if x < 0.0 then 1.0 else 2.0\n",
    ),
)
