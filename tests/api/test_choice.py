"""Which back end `auto` takes: the rule on programs of each kind, and what goes before the rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pushforward as pf
from benchmarks.workloads import SIZES, WORKLOADS
from pushforward import _run, _wire
from pushforward.cli import main
from pushforward.codegen import choice
from pushforward.lang.diagnostics import fail

TEXT = """
def product[n, k, m](a: [n, k]f64, b: [k, m]f64): [n, m]f64 = a @ b
def by_rows[n, k, m](a: [n, k]f64, b: [k, m]f64): [n, m]f64 = for i < n => a[i] @ b
def written_out[n, k, m](a: [n, k]f64, b: [k, m]f64): [n, m]f64 =
  for i < n, j < m => sum(for l < k => a[i, l] * b[l, j])
def of_written_out[n, k, m](a: [n, k]f64, b: [k, m]f64): f64 = sum(written_out(a, b)^2)
def distances[n, k, m](a: [n, k]f64, b: [k, m]f64): [n, m]f64 =
  for i < n, j < m => sum(for l < k => (a[i, l] - b[l, j])^2)
def then_elementwise[n, k, m](a: [n, k]f64, b: [k, m]f64): f64 =
  sum(loop c = a @ b for i < 400 do sin(c))
def batch[n, k, m](a: [n, k]f64, b: [k, m]f64): [n, m]f64 =
  for i < n, j < m => ([[a[i, 0], 1.0], [1.0, 2.0]] @ [[b[0, j], 0.0], [1.0, 1.0]])[0, 0]
def recurrent[n, k](h: [k]f64, w: [k, k]f64, x: [n, k]f64): [k]f64 =
  loop h = h for i < n do tanh(h @ w + x[i])
def recurrent_batch[n, m, k](h: [m, k]f64, w: [k, k]f64, x: [n, m, k]f64): [m, k]f64 =
  loop h = h for i < n do tanh(h @ w + x[i])
def factor[n](a: [n, n]f64): [n, n]f64 = cholesky(a)
def solution[n](a: [n, n]f64, b: [n]f64): [n]f64 = solve(a, b)
def substituted[n, m](a: [n, n]f64, b: [n, m]f64): [n, m]f64 = triangular_solve(a, b)
def chosen[n](a: [n, n]f64): [n, n]f64 = if a[0, 0] > 0.0 then a @ a else sin(a)
"""
ROOT = Path(__file__).parents[2]
MODULE = pf.parse(TEXT)
LARGE, SMALL = {"n": 100, "k": 64, "m": 80}, {"n": 100, "k": 63, "m": 80}
HUGE = {"n": 300, "k": 256, "m": 280}


@pytest.mark.parametrize(
    ("name", "sizes", "backend"),
    [
        ("product", HUGE, "xla"),
        ("product", HUGE | {"k": 255}, "llvm"),
        ("product", {"n": 5000, "k": 100, "m": 10}, "llvm"),
        ("by_rows", LARGE, "xla"),
        ("by_rows", SMALL, "llvm"),
        ("written_out", LARGE, "xla"),
        ("written_out", SMALL, "llvm"),
        ("distances", LARGE, "llvm"),
        ("then_elementwise", LARGE, "llvm"),
        ("batch", {"n": 100, "k": 1, "m": 100}, "llvm"),
        ("recurrent", {"n": 100, "k": 100}, "llvm"),
        ("recurrent_batch", {"n": 100, "m": 100, "k": 100}, "llvm"),
        ("recurrent_batch", {"n": 100, "m": 300, "k": 300}, "xla"),
        ("factor", {"n": 100}, "xla"),
        ("factor", {"n": 63}, "llvm"),
        ("solution", {"n": 100}, "xla"),
        ("substituted", {"n": 100, "m": 100}, "xla"),
        ("substituted", {"n": 300, "m": 3}, "llvm"),
        ("chosen", {"n": 300}, "xla"),
    ],
)
def test_matrix_work_goes_to_xla_and_all_other_work_to_native_code(
    name: str, sizes: dict[str, int], backend: str
) -> None:
    found = MODULE[name].compile().choose(sizes)
    assert found.backend == backend, found.why
    assert found.why.startswith(f"{backend}: ") and "on large matrices" in found.why


@pytest.mark.parametrize("name", ["product", "written_out", "of_written_out"])
def test_gradients_of_products_are_products(name: str) -> None:
    program = MODULE[name]
    if name != "of_written_out":
        program = pf.parse(TEXT + f"def squares[n, k, m](a: [n, k]f64, b: [k, m]f64): f64 = sum({name}(a, b)^2)")[
            "squares"
        ]
    gradient = pf.grad(program, wrt=("a", "b")).compile()
    assert gradient.choose(HUGE).backend == "xla"
    assert gradient.choose({"n": 100, "k": 10, "m": 80}).backend == "llvm"


def test_convolutions_count_by_channels_and_places() -> None:
    from jax import lax

    def convolution(x: Any, kernel: Any) -> Any:
        return lax.conv(x, kernel, (1, 1), "SAME")

    def chosen(channels: int, outputs: int) -> str:
        arguments = np.ones((2, channels, 8, 8)), np.ones((outputs, channels, 3, 3))
        return pf.trace(convolution, *arguments).compile().choose({}).backend

    assert [chosen(8, 64), chosen(8, 63), chosen(7, 64)] == ["xla", "llvm", "llvm"]


def test_workloads() -> None:
    """None of the workloads is made of products of large matrices."""
    from pushforward.semantics.values import bind

    found: dict[str, str] = {}
    for maker in SIZES:
        problem = WORKLOADS[maker.__name__](None, 0)
        program = pf.load(ROOT / problem.file)[problem.entry]
        program = pf.value_and_grad(program, wrt=problem.wrt, memory=problem.memory) if problem.wrt else program
        sizes = bind(program.signature, program.ir.sizes, list(problem.arguments), {}).sizes
        found[problem.name] = _wire.preferred(program.first(sizes), sizes)[0]
    assert found == dict.fromkeys(found, "llvm")


def test_a_program_that_native_code_lacks_goes_to_xla() -> None:
    import jax

    values = pf.trace(jax.numpy.linalg.eigvalsh, np.eye(50))
    found = values.compile().choose({})
    assert found.backend == "xla" and "llvm refuses the program" in found.why and "eigh" in found.why
    assert values(np.eye(50)).tolist() == [1.0] * 50


def refusing(*names: str) -> Callable[[str, Any], Any]:
    def compile_with(backend: str, program: Any) -> Any:
        if backend in names:
            raise fail("E145", f"not in {backend}")
        return lambda leaves: leaves

    return compile_with


def test_a_refusal_gives_way_to_the_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (("k", 300), ("m", 300), ("n", 300))
    for name, others in (("product", ("xla", "llvm")), ("distances", ("llvm", "xla"))):
        for refused, backend in (((), others[0]), (others[:1], others[1]), (others, "reference")):
            _run._choose.cache_clear()
            _run._compiled_by.cache_clear()
            monkeypatch.setattr(_wire, "compile_with", refusing(*refused))
            found = _run._choose(MODULE[name], sizes)
            assert found.backend == backend
            assert all(f"not in {other}" in found.why for other in refused[:1])
    _run._choose.cache_clear()
    _run._compiled_by.cache_clear()


@pytest.mark.parametrize(
    ("installed", "backend", "said"),
    [
        (("llvm",), "llvm", "xla would be preferred, but is not installed"),
        (("xla",), "xla", "100 %"),
        ((), "reference", "neither jax nor llvmlite is installed"),
    ],
)
def test_what_is_not_installed_is_not_chosen(
    installed: tuple[str, ...], backend: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run._choose.cache_clear()
    monkeypatch.setattr(_wire, "is_installed", lambda name: name in installed)
    found = MODULE["product"].compile().choose(HUGE)
    _run._choose.cache_clear()
    assert found.backend == backend and said in found.why


def test_an_accelerator_goes_before_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "on_accelerator", lambda: True)
    _run._choose.cache_clear()
    found = MODULE["distances"].compile().choose(LARGE)
    _run._choose.cache_clear()
    assert found.why == "xla: JAX has an accelerator"


def test_the_processor_is_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    assert not choice.on_accelerator()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert choice.on_accelerator()


def test_show_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "products.pf"
    path.write_text("def product[n](a: [n, n]f64): [n, n]f64 = a @ a\n", encoding="utf-8")
    assert main(["show", str(path), "product", "n=300", "--why"]) == 0
    assert capsys.readouterr().out == "xla: 53910000 operations, 100 % of them on large matrices\n"
