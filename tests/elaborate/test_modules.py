"""Loading modules: imports, what may be imported, errors of several files, places, and the prelude by word."""

# ruff: noqa: E501  (program texts stay on one line)

from __future__ import annotations

from pathlib import Path

import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.module import Module, load_module, parse_module
from pushforward.lang.specialise import specialise
from pushforward.semantics.reference import evaluate


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.pf").write_text(text)


def value_of(module: Module, name: str, *arguments: float) -> float:
    return float(evaluate(specialise(module.program(name), module.definitions), arguments)[0])


def test_imports_with_and_without_alias(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write(tmp_path, main='import "below/a.pf" as a\nimport "b.pf"\ndef main(x: f64): f64 = a.twice(x) + thrice(x)',
          b="def thrice(x: f64): f64 = 3.0 * x")  # fmt: skip
    write(tmp_path / "below", a='import "../b.pf" as b\ndef twice(x: f64): f64 = b.thrice(x) - x')
    module = load_module(tmp_path / "main.pf")
    assert module.diagnostics == () and module.names == ("main",)
    assert value_of(module, "main", 1.0) == 5.0


def test_variants_come_from_modules(tmp_path: Path) -> None:
    write(tmp_path, shapes="data Shape = Ball(f64) | Cube(f64)\ndef area(s: Shape): f64 = match s { Ball(r) => r; Cube(a) => 6.0 * a }",
          main='import "shapes.pf" as s\ndef main(x: f64): f64 = s.area(s.Cube(x))')  # fmt: skip
    assert value_of(load_module(tmp_path / "main.pf"), "main", 2.0) == 12.0


def test_modules_that_import_each_other(tmp_path: Path) -> None:
    write(tmp_path, a='import "b.pf" as b', b='import "a.pf" as a')
    (found,) = load_module(tmp_path / "a.pf").diagnostics
    assert found.code == "E130" and "a.pf -> b.pf -> a.pf" in found.message
    assert found.span is not None and found.span.line == 1


def test_a_module_that_imports_itself(tmp_path: Path) -> None:
    write(tmp_path, a='import "a.pf" as b')
    assert [found.code for found in load_module(tmp_path / "a.pf").diagnostics] == ["E130"]


@pytest.mark.parametrize("path", ["/etc/passwd", "x.txt", "a\\\\b.pf", "~/x.pf", "http://x.pf"])
def test_what_is_not_an_import(path: str) -> None:
    assert [found.code for found in parse_module(f'import "{path}" as x').diagnostics] == ["E131"]


def test_too_many_modules(tmp_path: Path) -> None:
    for k in range(205):
        write(tmp_path, **{f"m{k}": f'import "m{k + 1}.pf" as m' if k < 204 else ""})
    assert "E132" in [found.code for found in load_module(tmp_path / "m0.pf").diagnostics]


def test_a_missing_import_is_an_error_at_the_import(tmp_path: Path) -> None:
    write(tmp_path, a='def f(x: f64): f64 = x\nimport "none.pf" as n')
    (found,) = load_module(tmp_path / "a.pf").diagnostics
    assert found.code == "E018" and found.span is not None and found.span.line == 2


def test_errors_of_imports_are_the_modules_errors(tmp_path: Path) -> None:
    write(tmp_path, a='import "b.pf" as b\ndef f(x: f64): f64 = x', b="def g(x: f64): f64 = true")
    module = load_module(tmp_path / "a.pf")
    assert [Path(found.span.source.name).name for found in module.errors if found.span] == ["b.pf"]
    with pytest.raises(DiagnosticError):
        module.program("f")


def test_unknown_definitions_are_named() -> None:
    with pytest.raises(DiagnosticError, match="did you mean `twice`"):
        parse_module("def twice(x: f64): f64 = x + x").program("twce")


def test_polymorphic_entries_need_types() -> None:
    with pytest.raises(DiagnosticError, match="E134"):
        parse_module("def same[a: type](x: a): a = x").program("same")


def test_facts_of_places() -> None:
    text = "def f[n](x: [n]f64): f64 = let y = sum(x) in y * 2.0"
    module = parse_module(text)
    fact = module.at(text.index("sum(x)") + 4)
    assert fact is not None and (fact.span.text, fact.type) == ("x", "[n]f64")
    assert (fact := module.at(text.index("y * 2.0") + 2)) is not None and fact.span.text == "y * 2.0"
    assert module.at(len(text) + 5) is None


def test_own_definitions_come_before_the_prelude() -> None:
    module = parse_module("def norm(x: f64): f64 = x + 1.0\ndef main(x: f64): f64 = norm(x)")
    assert value_of(module, "main", 1.0) == 2.0


def test_the_prelude_loads_by_word() -> None:
    assert not any(name.startswith("prelude/") for name in parse_module("def f(x: f64): f64 = x").loaded)
    module = parse_module("def f(x: f64): f64 = normal_logpdf(x, 0.0, 1.0)")
    assert "prelude/stats.pf" in module.loaded and "prelude/ode.pf" not in module.loaded
    assert module.diagnostics == ()
    assert all(loaded.tests == () for name, loaded in module.loaded.items() if name.startswith("prelude/"))


def test_real_is_what_the_loader_says() -> None:
    module = parse_module("def main(x: real): real = x * 2.5", real="f32")
    assert str(module.program("main").inputs[0]) == "f32"
