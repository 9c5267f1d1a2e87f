"""Error rows of elaboration, specialisation and module loading (E120-E139)."""

from __future__ import annotations

from ..errors_index import ErrorRow

ELABORATION = (
    ErrorRow(
        "E120",
        "too many nested calls at compile time",
        "limit",
        "Functions are inlined when a program is compiled, and recursion is unrolled as far as what is known then "
        "decides it: integer literals, sizes, and data whose constructors are written down. A recursion that a "
        "run-time value ends never stops unrolling. Use `loop`, `loop … while … limit`, or the reference evaluator.",
        "def f(n: i64): f64 = if n == 0 then 1.0 else 2.0 * f(n - 1)\ndef main(n: i64): f64 = f(n)",
    ),
    ErrorRow(
        "E121",
        "too many steps at compile time",
        "limit",
        "The program grew beyond the limit on steps while its calls were inlined, most often by a recursion with "
        "several calls of itself. Use a loop, or carry the results along.",
        "def f(n: i64): f64 = if n < 2 then 1.0 else f(n - 1) + f(n - 2)\ndef main(): f64 = f(40)",
    ),
    ErrorRow(
        "E122",
        "a recursive value is not known at compile time",
        "limit",
        "A compiled program works on arrays of fixed shapes. A recursive variant can take part only where its "
        "constructors are known when the program is compiled.",
        "data List = Nil | Cons(f64, List)\ndef main(x: List): f64 = match x { Nil => 0.0; Cons(h, t) => h + main(t) }",
    ),
    ErrorRow(
        "E123",
        "a function value is not known at compile time",
        "limit",
        "A compiled program has no function values, so a function that is a parameter or a result of the entry point "
        "must be given when the program is compiled. Write a definition that passes the function on.",
        "def main(f: f64 -> f64, x: f64): f64 = f(f(x))",
    ),
    ErrorRow(
        "E125",
        "the state of a loop has no fixed form",
        "limit",
        "Every round of a compiled loop has a state of the same form. A state that is a variant with more constructors "
        "around it each round, or a function built around the last one, has not.",
        "data List = Nil | Cons(f64, List)\n"
        "def main(): f64 = match (loop x = Nil for i < 3 do Cons(1.0, x)) { Nil => 0.0; Cons(h, t) => h }",
    ),
    ErrorRow(
        "E128",
        "a size is too small",
        "user",
        "A definition that needs at least so many elements (`max` of an array needs one) was compiled for fewer.",
        "def main[n](x: [n]f64): f64 = max(x)   -- with n = 0",
    ),
    ErrorRow(
        "E130",
        "modules import each other",
        "user",
        "A module cannot import itself, directly or through others. Move what both need to a third module.",
        'import "a.pf" as a   -- in a.pf',
    ),
    ErrorRow(
        "E131",
        "this import is not a .pf file beside or below a module",
        "user",
        "Imports are relative paths with forward slashes that end in `.pf`.",
        'import "/etc/passwd" as p',
    ),
    ErrorRow(
        "E132",
        "too many modules",
        "limit",
        "One program may load a limited number of modules, directly and through imports.",
        'import "a1.pf" as a   -- which imports a2.pf, which imports a3.pf, … to a200.pf',
    ),
    ErrorRow(
        "E133",
        "no such definition",
        "user",
        "The module has no definition of this name.",
        "pf run model.pf mian   -- where model.pf defines main",
    ),
    ErrorRow(
        "E134",
        "types are needed for a polymorphic definition",
        "user",
        "A definition over type variables has one compiled program for each choice of types. Call it from a definition "
        "without type variables, or give the types.",
        "def main[a: type](x: a): a = x",
    ),
)
