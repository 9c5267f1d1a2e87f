"""Functions and variants disappear: choices at run time, variants, recursion, and the limits that end it."""

# ruff: noqa: E501  (program texts stay on one line)

from __future__ import annotations

import numpy as np
import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import I64, Apply, ArrayType
from pushforward.lang.specialise import Tagged, layout, specialise
from pushforward.semantics.reference import evaluate

from .programs import first_order, module_of, operations, run_both

TREE = """
data Tree[a: type] = Leaf(a) | Node(Tree[a], Tree[a])
def total(t: Tree[f64]): f64 = match t { Leaf(a) => a; Node(l, r) => total(l) + total(r) }
"""
SHAPE = """
data Shape = Ball(f64) | Box(f64, [2]f64) | Point
def size_of(s: Shape): f64 = match s { Ball(r) => r * r; Box(a, b) => a * sum(b); Point => 0.0 }
"""

CASES = [
    ("recursion on known data", TREE + "def main(x: f64): f64 = total(Node(Leaf(x), Node(Leaf(2.0), Leaf(x * x))))", [3.0], 14.0),
    ("recursion on a literal", "def p(n: i64, x: f64): f64 = if n == 0 then 1.0 else x * p(n - 1, x)\ndef main(x: f64): f64 = p(10, x)", [2.0], 1024.0),
    ("mutual recursion", "def even(n: i64): bool = if n == 0 then true else odd(n - 1)\ndef odd(n: i64): bool = if n == 0 then false else even(n - 1)\ndef main(x: f64): f64 = if even(7) then x else -x", [2.0], -2.0),
    ("recursion on a size", "def p[n](x: [n]f64, k: i64): f64 = if k == n then 0.0 else x[k] + p(x, k + 1)\ndef main(x: [3]f64): f64 = p(x, 0)", [[1.0, 2.0, 3.0]], 6.0),
    ("a variant chosen at run time", SHAPE + "def main(x: f64): f64 = size_of(if x < 0.0 then Ball(x) else Box(x, [1.0, x]))", [2.0], 6.0),
    ("the other choice", SHAPE + "def main(x: f64): f64 = size_of(if x < 0.0 then Ball(x) else Box(x, [1.0, x]))", [-2.0], 4.0),
    ("three choices", SHAPE + "def main(x: f64): f64 = size_of(if x < 0.0 then Ball(x) else if x < 5.0 then Box(x, [1.0, x]) else Point)", [7.0], 0.0),
    ("one constructor, two payloads", SHAPE + "def main(x: f64): f64 = size_of(if x < 0.0 then Ball(x) else Ball(2.0 * x))", [3.0], 36.0),
    ("finite trees chosen at run time", TREE + "def main(x: f64): f64 = total(if x < 0.0 then Leaf(x) else Node(Leaf(x), Node(Leaf(x), Leaf(1.0))))", [2.0], 5.0),
    ("functions chosen at run time", "def main(x: f64): f64 = let f = if x < 0.0 then fn (y: f64) => y + x else fn (y: f64) => y * x in f(10.0)", [3.0], 30.0),
    ("one function, two captures", "def times(a: f64): f64 -> f64 = fn (y: f64) => a * y\ndef main(x: f64): f64 = let f = if x < 0.0 then times(2.0) else times(x) in f(10.0)", [3.0], 30.0),
    ("chosen functions chosen again", "def main(x: f64): f64 = let f = if x < 0.0 then sin else cos in let g = if x < 1.0 then f else fn (y: f64) => y * y in g(x)", [3.0], 9.0),
    ("choices joined in another order", "def main(x: f64): f64 = let f = if x < 5.0 then cos else sin in let g = if x > 1.0 then f else cos in g(x)", [6.0], np.sin(6.0)),
    ("the other order", "def main(x: f64): f64 = let f = if x < 5.0 then cos else sin in let g = if x > 1.0 then f else cos in g(x)", [2.0], np.cos(2.0)),
    ("functions chosen by number", "def main(n: i64, x: f64): f64 = let f = match n { 0 => fn (y: f64) => y; 1 => fn (y: f64) => y + x; k => fn (y: f64) => y * x } in f(5.0)", [1, 2.0], 7.0),
    ("a variant as the state of a loop", SHAPE + "def main(x: f64): f64 = size_of(loop s = Point for i < 3 do match s { Point => Ball(x); Ball(r) => Box(r, [x, x]); Box(a, b) => Ball(a + sum(b)) })", [2.0], 36.0),
    ("a function as the state of a loop", "def main(x: f64): f64 = let (f, y) = loop (f, y) = (fn (t: f64) => t + 1.0, x) for i < 3 do (fn (t: f64) => t * x, f(y)) in f(y)", [2.0], 24.0),
    ("functions inside loops", "def main[n](x: [n]f64, a: f64): f64 = let f = fn (y: f64) => a * y in sum(for i < n => f(x[i]) + (let g = fn (z: f64) => f(z) in g(1.0)))", [[1.0, 2.0], 3.0], 15.0),
    ("functions in while", "def main(x: f64): f64 = let f = fn (y: f64) => y * x in loop y = 1.0 while f(y) < 100.0 limit 50 do f(y)", [2.0], 64.0),
    ("functions in records", "def main(x: f64): f64 = let r = {f = fn (y: f64) => y * x, a = 2.0} in r.f(r.a)", [3.0], 6.0),
    ("variants of functions", "data Op = Apply(f64 -> f64) | Keep\ndef run(o: Op, x: f64): f64 = match o { Apply(f) => f(x); Keep => x }\ndef main(x: f64): f64 = run(if x > 1.0 then Apply(fn (y: f64) => y * x) else Keep, 5.0)", [2.0], 10.0),
    ("nested patterns", TREE + "def f(t: Tree[f64]): f64 = match t { Node(Leaf(a), Leaf(b)) => a * b; Node(Leaf(a), r) => a; t => -1.0 }\ndef main(x: f64): f64 = f(Node(Leaf(x), Leaf(3.0))) + 10.0 * f(Node(Leaf(x), Node(Leaf(x), Leaf(x)))) + 100.0 * f(Leaf(x))", [2.0], -74.0),
    ("constructors are functions", SHAPE + "def main(x: f64): f64 = let make = Ball in size_of(make(x))", [3.0], 9.0),
    ("composition", "def compose[a: type, b: type, c: type](f: b -> c, g: a -> b): a -> c = fn (x: a) => f(g(x))\ndef main(x: f64): f64 = compose(fn (y: f64) => y + 1.0, compose(exp, log))(x)", [2.0], 3.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_functions_and_variants_disappear(text: str, arguments: list, expected: float) -> None:
    (result,) = run_both(text, arguments)
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_inlined_functions_leave_no_functions() -> None:
    module = module_of("def main(x: f64, y: f64): f64 = let f = fn (z: f64) => x * z + y in f(y) * f(x)")
    program = first_order(module)
    assert [step.op.primitive for step in program.steps] == ["mul", "add", "mul", "add", "mul"]  # type: ignore[union-attr]
    assert program.signature == module.program("main").signature


def test_every_step_says_where_it_came_from() -> None:
    program = first_order(module_of("def g(x: f64): f64 = sin(x)\ndef main(x: f64): f64 = g(x) * 2.0"))
    assert [step.origin.text for step in program.steps] == ["sin(x)", "2.0", "g(x) * 2.0"]  # type: ignore[union-attr]


def test_sizes_stay_symbolic_unless_given() -> None:
    module = module_of("def main[n](x: [n]f64): f64 = mean(map(sin, x))")
    assert first_order(module).sizes == ("n",)
    known = first_order(module, sizes={"n": 4})
    assert known.sizes == () and known.inputs == (ArrayType("f64", (4,)),)


def test_borders_give_every_constructor_a_place() -> None:
    module = module_of(SHAPE + "def main(s: Shape, x: f64): Shape = match s { Ball(r) => Box(r, [x, x]); Box(a, b) => Point; Point => Ball(x) }")
    program = first_order(module)
    expected = (I64, ArrayType("f64"), ArrayType("f64"), ArrayType("f64", (2,)))
    assert program.inputs == (*expected, ArrayType("f64"))
    assert layout(module.program("main").inputs[0], module.definitions) == expected
    results = evaluate(program, [0, 5.0, 0.0, [0.0, 0.0], 7.0])
    assert [np.asarray(result).tolist() for result in results] == [1, 0.0, 5.0, [7.0, 7.0]]
    assert int(evaluate(program, [1, 5.0, 0.0, [0.0, 0.0], 7.0])[0]) == 2


def test_known_trees_unroll() -> None:
    module = module_of(TREE)
    tree = Tagged(1, (Tagged(0, (None,)), Tagged(1, (Tagged(0, (2.5,)), Tagged(0, (None,))))))
    program = specialise(module.program("total"), module.definitions, known={0: tree})
    assert program.inputs == (ArrayType("f64"), ArrayType("f64"))
    assert float(evaluate(program, [1.0, 10.0])[0]) == 13.5
    assert operations(program) == {"Apply", "Constant"}


def test_known_numbers_leave_the_inputs() -> None:
    module = module_of("def main(n: i64, x: f64): f64 = if n == 0 then 1.0 else x * main(n - 1, x)")
    program = first_order(module, known={0: 3})
    assert program.inputs == (ArrayType("f64"),)
    assert float(evaluate(program, [2.0])[0]) == 8.0


def test_deep_recursion_under_the_limit_unrolls() -> None:
    module = module_of("def p(n: i64, x: f64): f64 = if n == 0 then x else p(n - 1, x + 1.0)\ndef main(x: f64): f64 = p(1500, x)")
    assert float(evaluate(first_order(module), [0.0])[0]) == 1500.0


def test_functions_around_chosen_functions_end_at_the_limit() -> None:
    layers = " ".join(f"let f = if x > {k}.5 then f else fn (y: f64) => f(y) * {k}.5 + x" for k in range(30))
    module = module_of(f"def main(x: f64): f64 = let f = fn (y: f64) => y + 1.0 {layers} in f(x)")
    with pytest.raises(DiagnosticError, match="E121"):
        first_order(module)


def test_indices_carry_whether_they_are_proved() -> None:
    module = module_of("def main(x: [3]f64, k: i64): (f64, f64, [3]f64) = (x[2], x[k], x with [k] = 0.0)")
    found = [dict(step.op.params)["proved"] for step in first_order(module).steps if isinstance(step.op, Apply)]
    assert found == [True, False, False]


def test_chosen_data_keeps_only_what_can_occur() -> None:
    text = TREE + "def main(x: f64): f64 = total(if x < 0.0 then Leaf(x) else Node(Leaf(x), Leaf(1.0)))"
    program = first_order(module_of(text))
    assert operations(program) == {"Apply", "Constant", "Branch"}


REFUSED = [
    ("E120", "def p(n: i64): f64 = if n == 0 then 1.0 else 2.0 * p(n - 1)\ndef main(n: i64): f64 = p(n)"),
    ("E120", "def main(x: f64): f64 = main(x + 1.0)"),
    ("E121", "def p(n: i64): f64 = if n < 2 then 1.0 else p(n - 1) + p(n - 2)\ndef main(): f64 = p(40)"),
    ("E122", TREE + "def main(t: Tree[f64]): f64 = total(t)"),
    ("E122", TREE + "def main(x: f64): Tree[f64] = Leaf(x)"),
    ("E123", "def main(f: f64 -> f64, x: f64): f64 = f(x)"),
    ("E123", "def main(x: f64): f64 -> f64 = fn (y: f64) => x"),
    ("E125", TREE + "def main(x: f64): f64 = total(loop t = Leaf(x) for i < 3 do Node(t, t))"),
    ("E125", "def main(x: f64): f64 = (loop f = fn (y: f64) => y for i < 3 do fn (y: f64) => f(f(y)) + x)(x)"),
    ("E128", "def main[n](x: [n]f64): f64 = max(x)"),
    ("E128", "def top[n](x: [n]f64): f64 = max(x)\ndef main[n](x: [n + 1]f64): f64 = top(x[1:])"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), REFUSED)
def test_what_cannot_compile_says_why(code: str, text: str) -> None:
    module = module_of(text)
    with pytest.raises(DiagnosticError) as caught:
        first_order(module, sizes={"n": 0} if "[n]" in text else None)
    assert caught.value.diagnostics[0].code == code
