"""Imports, the prelude, the meaning of `real`, test blocks, and the tables that later passes read."""

from __future__ import annotations

import subprocess
import sys

from pushforward.lang.check import check_module
from pushforward.lang.source import Source
from pushforward.lang.surface import ast
from pushforward.lang.surface.parser import parse
from pushforward.lang.typed import Builtin, CheckedModule, ConstructorName, Global, Local, SizeName
from pushforward.lang.types import F32, F64, Array, show_type

from .helpers import check, codes, load, scheme


def test_import_with_alias() -> None:
    module = check(
        'import "shapes.pf" as s\ndef f(x: f64) = s.twice(x)\ndef g() = match s.unit() { Ball(r) => r; Box(_) => 0 }\n'
    )
    assert not module.diagnostics
    assert module.imports == {"s": "shapes.pf"}
    call = module.definitions["f"].definition.body
    assert isinstance(call, ast.Call)
    assert module.definitions["f"].typing.meanings[id(call.function)] == Global("shapes.pf", "twice", (), ())


def test_import_without_alias() -> None:
    assert (
        scheme('import "shapes.pf"\ndef f(s: Shape) = match s { Ball(r) => twice(r); Box(e) => sum(e) }\n')
        == "(s: Shape) -> f64"
    )


def test_a_failed_import_is_reported_once() -> None:
    assert codes('import "none.pf" as n\ndef f(x: f64) = n.g(x)\n') == ["E015"]
    assert codes('import "none.pf"\ndef f(x: f64) = g(x)\n') == ["E015"]


def test_names_that_two_modules_bring_in() -> None:
    assert codes('import "shapes.pf"\nimport "circles.pf"\n') == ["E050"]
    assert codes('import "shapes.pf"\nimport "circles.pf" as c\n') == []
    assert codes('import "shapes.pf" as s\nimport "forms.pf" as f\n') == ["E050"]
    assert codes('import "shapes.pf" as s\ndata Shape = Mine\n') == ["E050"]


def test_unknown_member_of_a_module() -> None:
    assert codes('import "shapes.pf" as s\ndef f(x: f64) = s.thrice(x)\n') == ["E030"]


def test_prelude_words_come_last() -> None:
    library = check("def square(x: f64): f64 = x * x\n", "library")

    def prelude(word: str) -> CheckedModule | None:
        return library if word == "square" else None

    for text, module in [
        ("def f(x: f64) = square(x)\n", "library"),
        ("def f(x: f64) = square(x)\ndef square(x: f64) = x\n", "own"),
    ]:
        source = Source("own", text)
        found = check_module(parse(source), "own", source, load, prelude)
        assert not found.diagnostics
        body = found.definitions["f"].definition.body
        assert isinstance(body, ast.Call)
        meaning = found.definitions["f"].typing.meanings[id(body.function)]
        assert isinstance(meaning, Global) and meaning.module == module


def test_real_is_chosen_once() -> None:
    text = "def f(x: real) = 2 * x + 0.5\n"
    assert show_type(check(text).definitions["f"].scheme.result) == "f64"
    assert check(text, real="f32").definitions["f"].scheme.result == F32


def test_meanings_and_types_of_nodes() -> None:
    module = check("data Box = Box(f64)\ndef g[n](x: [n]f64): f64 = real(n)\ndef f(x: [3]f64) = Box(sum(x) + g(x))\n")
    assert not module.diagnostics
    found = module.definitions["f"]
    body = found.definition.body
    assert isinstance(body, ast.Call) and isinstance(body.arguments[0].value, ast.Binary)
    total, call = body.arguments[0].value.left, body.arguments[0].value.right
    assert isinstance(total, ast.Call) and isinstance(call, ast.Call)
    meanings, types = found.typing.meanings, found.typing.types
    assert meanings[id(body.function)] == ConstructorName("<text>", "Box", 0, ())
    assert meanings[id(total.function)] == Builtin("sum")
    assert meanings[id(total.arguments[0].value)] == Local("x")
    assert meanings[id(call.function)] == Global("<text>", "g", (), (3,))
    assert types[id(call)] == F64 and types[id(call.arguments[0].value)] == Array((3,), F64)
    inner = module.definitions["g"].definition.body
    assert isinstance(inner, ast.Call)
    assert module.definitions["g"].typing.meanings[id(inner.arguments[0].value)] == SizeName("n")


def test_every_expression_and_pattern_has_a_type() -> None:
    from dataclasses import fields, is_dataclass

    from .golden import HERE

    module = check((HERE / "accepted.pf").read_text("utf-8"))
    kinds = ast.Expr.__args__
    for name, found in module.definitions.items():
        pending: list[object] = [found.definition.body]
        while pending:
            node = pending.pop()
            if isinstance(node, tuple):
                pending.extend(node)
            elif is_dataclass(node):
                assert not isinstance(node, kinds) or id(node) in found.typing.types, (name, node)
                pending.extend(getattr(node, f.name) for f in fields(node) if f.name not in ("span", "annotation"))


def test_failing_claims_are_kept_apart() -> None:
    module = check(
        'def f(x: f64): f64 = x\ntest "t" {\n  fails "E034" f()\n  check f(1) ~= 1\n  fails "E200" f(1)\n}\n'
    )
    assert not module.diagnostics
    (test,) = module.tests
    assert {place: [d.code for d in found] for place, found in test.expected_failures.items()} == {0: ["E034"], 2: []}


def test_several_errors_in_one_run() -> None:
    text = "def f(x: f64) = let a = foo(x) in let b = sin(x, x) in a + b\ndef g(x: f64): bool = x\n"
    assert codes(text) == ["E030", "E034", "E032"]


def test_an_error_does_not_spread() -> None:
    assert codes("def f(x: f64) = nonsense(x)\ndef g(x: f64) = f(x) + 1.0\ndef h(x: f64): f64 = g(x)[0].a\n") == [
        "E030"
    ]


def test_long_chains_need_no_depth() -> None:
    lets = "".join(f"let x{k + 1} = x{k} * x{k} + 1 " for k in range(3000))
    assert not codes(f"def f(x0: i64): i64 = {lets} in x3000\n")
    chain = "".join(f"def g{k}(x: f64) = g{k + 1}(x) + 1\n" for k in range(2000))
    assert not codes(chain + "def g2000(x: f64) = x\n")


def test_checking_imports_nothing_heavy() -> None:
    program = (
        "import sys; from pushforward.lang.check import check_module; "
        "print(sorted({'numpy', 'jax', 'sympy', 'scipy', 'z3', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
