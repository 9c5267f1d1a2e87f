"""Modules and programs from Python: names, calls, back ends, views, and what they refuse."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import pushforward as pf
from pushforward import _wire
from pushforward._program import Backend

TEXT = """
def log_of(x: f64): f64 = log(x)
def dot[n](x: [n]f64, y: [n]f64): f64 = x @ y
def names(x: f64): f64 = x
def step(s: {x: f64, on: bool}, dt: f64): ({x: f64, on: bool}, f64) = ({x = s.x + dt, on = not s.on}, dt)
def swap[n](p: [n](f64, i64)): [n](i64, f64) = for i < n => (p[i].1, p[i].0)
def pick[n](x: [n]f64, i: i64): f64 = x[i]
def ramp(n: size): [n]f64 = for i < n => f64(i)
def factorial(n: i64): f64 = if n == 0 then 1.0 else f64(n) * factorial(n - 1)
def twice(f: f64 -> f64, x: f64): f64 = f(f(x))
def any_twice[a: type](f: a -> a, x: a): a = f(f(x))
def square(x: f64): f64 = x * x
def spin(n: i64): f64 = loop x = 1.0 for i < 3000 do sin(x)
"""


@pytest.fixture(scope="module")
def module() -> pf.Module:
    return pf.parse(TEXT)


def code_of(error: pytest.ExceptionInfo[pf.DiagnosticError]) -> str:
    return error.value.diagnostics[0].code


def test_a_module_gives_programs_by_name_and_by_attribute(module: pf.Module) -> None:
    assert module["dot"] is module.dot is module["dot"]
    assert "dot" in module and "nothing" not in module and list(module)[:2] == ["log_of", "dot"]
    assert isinstance(module.names, tuple) and isinstance(module["names"], pf.Program)
    assert "square" in dir(module)
    with pytest.raises(AttributeError, match="no definition `nothing`"):
        _ = module.nothing
    with pytest.raises(pf.DiagnosticError, match=r"(?s)E182.*did you mean `square`"):
        _ = module["sqare"]


def test_files_load_and_check(tmp_path: Path) -> None:
    path = tmp_path / "two.pf"
    path.write_text("def f(x: f64): f64 = y\ndef g(x: f64): f64 = z\n")
    assert [item.code for item in pf.check(path)] == ["E030", "E030"]
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.load(path)
    assert len(caught.value.diagnostics) == 2
    path.write_text("def f(x: f64): f64 = x\n")
    assert pf.check(path) == [] and pf.load(path).f(2.0) == 2.0
    assert [item.code for item in pf.check(tmp_path / "missing.pf")] == ["E018"]
    assert [item.code for item in pf.check(tmp_path)] == ["E018"]


@pytest.mark.parametrize("backend", ["reference", "xla"])
def test_structures_go_in_and_come_out(module: pf.Module, backend: Backend) -> None:
    step, swap = module.step.compile(backend), module.swap.compile(backend)
    assert step({"x": 1, "on": True}, dt=0.5) == ({"x": 1.5, "on": False}, 0.5)
    first, second = swap([(1.5, 2), (2.5, 3)])
    assert first.tolist() == [2, 3] and second.tolist() == [1.5, 2.5] and first.dtype == np.int64


def test_results_are_plain_numbers_and_numpy_arrays(module: pf.Module) -> None:
    assert type(module.dot([1], [2])) is float
    assert isinstance(module.ramp(3), np.ndarray) and module.ramp(n=3).tolist() == [0.0, 1.0, 2.0]


def test_programs_are_frozen_and_compared_by_content(module: pf.Module) -> None:
    other = pf.parse("def scalar_product[n](a: [n]f64, b: [n]f64): f64 =\n  a @ b  -- elsewhere")["scalar_product"]
    assert module.dot.digest == other.digest and module.dot != module.square
    assert pf.parse(TEXT).dot == module.dot and hash(pf.parse(TEXT).dot) == hash(module.dot)
    assert module.factorial != module.twice and module.factorial == module["factorial"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        module.dot.ir = module.square.ir  # type: ignore[misc]
    assert repr(module.dot) == "<Program dot(x: [n]f64, y: [n]f64): f64>"


def test_a_call_works_the_program_out_at_its_own_sizes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[dict[str, int]] = []
    original = _wire.first_order

    def noting(program: Any, definitions: Any, known: Any) -> Any:
        sizes.append(dict(known))
        return original(program, definitions, known)

    monkeypatch.setattr(_wire, "first_order", noting)
    program = pf.parse("def own_sizes[n](x: [n]f64, y: [n]f64): f64 = sum(x * y * y)")["own_sizes"]
    assert program.compile("llvm")([1.0, 2.0], [3.0, 4.0]) == 41.0
    assert sizes == [{"n": 2}]


@pytest.mark.parametrize("backend", ["auto", "reference", "xla"])
def test_a_result_that_is_not_finite_names_the_step(module: pf.Module, backend: Backend) -> None:
    with pytest.raises(pf.DiagnosticError, match=r"`result` is -inf; it was first made by `log` of 0") as caught:
        module.log_of.compile(backend)(0.0)
    span = caught.value.diagnostics[0].span
    assert code_of(caught) == "E150" and span is not None and span.text == "log(x)"
    with pytest.raises(pf.DiagnosticError, match="E150.*`div`"):
        pf.grad(module.log_of).compile(backend)(0.0)
    assert module.log_of.compile(backend, nonfinite="allow")(0.0) == -np.inf


def test_an_input_that_is_not_finite_is_named(module: pf.Module) -> None:
    with pytest.raises(pf.DiagnosticError, match=r"E151.*the input `x\[1\]` is nan"):
        module.dot([1.0, np.nan], [1.0, 1.0])


@pytest.mark.parametrize("backend", ["reference", "xla"])
@pytest.mark.parametrize("index", [2, -1])
def test_an_index_out_of_range_raises_on_every_back_end(module: pf.Module, backend: Backend, index: int) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        module.pick.compile(backend)([1.0, 2.0], index)
    assert code_of(caught) == "E100"


def test_auto_chooses_and_says_why(module: pf.Module) -> None:
    assert module.square.compile().why.startswith("reference: 1 operations")
    assert module.spin.compile().why.startswith("llvm: 3000 operations")
    assert "calls itself" in module.factorial.compile().why and module.factorial(5) == 120.0
    assert "depends on n" in module.dot.compile().why
    assert module.dot.compile().choose({"n": 5}).backend == "reference"
    assert module.dot.compile().choose({"n": 50_000}).backend == "llvm"
    assert module.square.compile("xla").why == "xla: named by the caller"


def test_a_named_back_end_runs_whole_or_is_refused(module: pf.Module) -> None:
    cases: list[tuple[pf.Program, Any, str]] = [
        (module.square, "gpu", "E188"),
        (module.factorial, "xla", "E120"),
        (module.factorial, "llvm", "E120"),
        (module.twice, "xla", "E123"),
    ]
    for program, backend, code in cases:
        with pytest.raises(pf.DiagnosticError) as caught:
            program.compile(backend)
        assert code_of(caught) == code


def test_functions_are_given_as_programs(module: pf.Module) -> None:
    assert module.twice(module.square, 3.0) == 81.0
    with pytest.raises(pf.DiagnosticError, match=r"E164.*`f` must be a program"):
        module.twice(np.sin, 3.0)
    with pytest.raises(pf.DiagnosticError, match=r"(?s)E164.*f64 -> f64.*dot"):
        module.twice(module.dot, 3.0)
    with pytest.raises(pf.DiagnosticError, match="E134"):
        _ = module.any_twice


def test_single_precision(module: pf.Module) -> None:
    single = module.dot.astype("f32")
    assert str(single) == "dot(x: [n]f32, y: [n]f32): f32"
    assert single.compile("xla")([0.1], [1.0]) == np.float32(0.1) == single.compile("reference")([0.1], [1.0])
    with pytest.raises(pf.DiagnosticError, match="E164.*f32"):
        single(np.array([0.1]), [1.0])
    assert single.astype("f64") == module.dot


def test_jax_sees_a_function(module: pf.Module) -> None:
    single = module.dot.astype("f32").to_jax()
    x = np.ones((4, 3), np.float32)
    assert jax.jit(single)(x[0], x[1]) == 3.0
    assert jax.vmap(single, in_axes=(0, None))(x, x[0]).tolist() == [3.0] * 4
    with pytest.raises(pf.DiagnosticError, match="E142"):
        jax.jit(module.dot.to_jax())(x[0], x[1])
    with jax.enable_x64(True):
        assert jax.jit(module.dot.to_jax())(np.ones(3), np.ones(3)).dtype == np.float64


def test_cost_counts_value_and_gradient(module: pf.Module) -> None:
    cost = module.dot.cost(n=10)
    assert (cost.value, cost.gradient, cost.ratio) == (19, 39, 39 / 19)
    assert module.ramp.cost(n=3).gradient is None
    with pytest.raises(pf.DiagnosticError, match="E166.*`n`"):
        module.dot.cost()


def test_show_and_save(module: pf.Module, tmp_path: Path) -> None:
    assert module.square.show("surface") == "def square(x: f64): f64 = x * x"
    assert "%1: f64 = mul %0 %0" in module.square.show()
    path = tmp_path / "square.txt"
    module.square.save(str(path))
    assert path.read_text() == module.square.show() + "\n"
    with pytest.raises(pf.DiagnosticError, match="E188"):
        module.square.show("assembly")
    with pytest.raises(pf.DiagnosticError, match="E188.*has no text"):
        pf.grad(module.square).show("surface")


def test_auto_falls_back_to_the_reference_when_all_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    from pushforward import _wire
    from pushforward.lang.diagnostics import fail

    def refused(backend: str, program: object) -> object:
        raise fail("E144", "a straight line too long for XLA")

    monkeypatch.setattr(_wire, "compile_with", refused)
    program = pf.parse("def drift(x: f64): f64 = loop y = x for i < 4000 do y + 0.5")["drift"]
    assert program(1.0) == 2001.0
    assert program.compile().why == "reference: the program cannot be compiled (a straight line too long for XLA)"
    with pytest.raises(pf.DiagnosticError, match="E144"):
        program.compile("xla")(1.0)
