"""The short way in from Python: it gives what the long way gives, or steps aside."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import pushforward as pf
from pushforward.codegen.llvm import compile as native
from pushforward.codegen.llvm.compile import Compiled, compile_llvm
from pushforward.codegen.llvm.python_layout import layout_holds
from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import ArrayType

MODULE = pf.parse("""
def rosenbrock(x: f64, y: f64): f64 = (1.0 - x)^2 + 100.0 * (y - x^2)^2

def root[n](x: [n]f64, a: f64): (f64, [n]f64) = (sum(x) * a, for i < n => sqrt(x[i]))

def picked[n](x: [n]f64, k: [n]i64): [n]f64 = for i < n => x[k[i]]
""")
MIXED = (
    ArrayType("f64", (2, 3)), ArrayType("f32", (2, 3)), ArrayType("i64", (4,)), ArrayType("bool", (3,)),
    ArrayType("uint8", (2,)), ArrayType("f64", (0, 3)),
)  # fmt: skip


def _mixed() -> Compiled:
    """A program that gives back what it gets, one array more often, and a number of every kind."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        numbers = [b.apply("reduce_sum", x[0], axes=(0, 1)), b.apply("reduce_sum", x[1], axes=(0, 1))]
        numbers += [b.apply("reduce_sum", x[2], axes=(0,)), b.apply("reduce_all", x[3], axes=(0,))]
        return [*(b.apply("stop_gradient", slot) for slot in x), *numbers]

    return compile_llvm(body("mixed", MIXED, write))


def _arrays() -> list[np.ndarray]:
    r = np.random.default_rng(0)
    return [
        r.normal(size=(2, 3)), r.normal(size=(2, 3)).astype("f"), np.array([1, -2, 3, 2**40]),
        np.array([True, False, True]), np.array([200, 3], "uint8"), np.empty((0, 3)),
    ]  # fmt: skip


def _direct(program: Compiled) -> Any:
    found = program.direct
    assert found is not None
    return found


def test_the_short_way_gives_what_the_long_way_gives() -> None:
    program, arrays = _mixed(), _arrays()
    *short, finite = _direct(program)(*arrays)
    assert finite is True
    for one, other in zip(short, program(arrays), strict=True):
        assert np.asarray(one).shape == other.shape and np.array_equal(one, other)
    assert [type(x) for x in short[len(MIXED) :]] == [float, float, int, bool]
    assert not any(np.shares_memory(one, given) for one in short[: len(MIXED)] for given in arrays)
    arrays[0].flags.writeable = False
    assert _direct(program)(*arrays) is not None
    turned = np.asfortranarray(arrays[0])
    assert np.array_equal(_direct(program)(turned, *arrays[1:])[0], turned)


@pytest.mark.parametrize(
    ("place", "other"),
    [
        (0, np.zeros((3, 2))), (0, np.zeros(6)),
        (0, np.zeros((2, 3), "f")), (0, np.zeros((2, 3), ">f8")), (0, np.zeros((1, 2, 3))),
        (0, [[0.0] * 3] * 2), (0, 1.0),
        (0, np.frombuffer(bytes(49), "f8", 6, 1).reshape(2, 3)), (0, np.zeros((2, 3)).view(np.matrix)),
        (2, np.zeros(4)), (3, np.zeros(3, "uint8")), (4, np.zeros(2, "int8")), (5, np.zeros((3, 0))),
    ],
)  # fmt: skip
def test_anything_else_is_left_to_the_long_way(place: int, other: object) -> None:
    program, arrays = _mixed(), _arrays()
    given: list[Any] = [*arrays[:place], other, *arrays[place + 1 :]]
    assert _direct(program)(*given) is None
    assert _direct(program)(*arrays[:-1]) is None and _direct(program)(*arrays, arrays[0]) is None


def test_numbers_enter_and_leave_as_floats() -> None:
    f = pf.value_and_grad(MODULE["rosenbrock"], wrt=(0, 1)).compile("llvm")
    wanted = (pytest.approx(31.4), (pytest.approx(-268.4), pytest.approx(112.0)))
    assert not f.latest
    for x, y in ((1.2, 2.0), (1.2, 2.0), (np.float64(1.2), 2), (1.2, 2.0)):
        value = f(x, y)
        assert value == wanted and type(value[0]) is type(value[1][1]) is float
    assert f.latest
    with pytest.raises(DiagnosticError, match="E16"):
        f("1.2", 2.0)
    with pytest.raises(DiagnosticError, match="E16"):
        f(1.2)


def test_what_is_not_finite_or_out_of_range_is_still_found() -> None:
    root = MODULE["root"].compile("llvm")
    allowed = MODULE["root"].compile("llvm", nonfinite="allow")
    for f in (root, allowed):
        assert f(np.ones(3), 2.0)[0] == f(np.ones(3), 2.0)[0] == 6.0
    with pytest.raises(DiagnosticError, match="E150.*sqrt"):
        root(np.array([1.0, -1.0, 1.0]), 2.0)
    assert np.isnan(allowed(np.array([1.0, -1.0, 1.0]), 2.0)[1][1])
    with pytest.raises(DiagnosticError, match="E151"):
        root(np.ones(3), float("inf"))
    picked, x = MODULE["picked"].compile("llvm"), np.arange(3.0)
    for _ in range(2):
        assert picked(x, np.array([2, 0, 1])).tolist() == [2, 0, 1]
    with pytest.raises(DiagnosticError, match="E100"):
        picked(x, np.array([2, 3, 1]))


def test_calls_with_other_sizes_between() -> None:
    root = MODULE["root"].compile("llvm")
    for n in (3, 5, 3, 3, 5, 5):
        total, roots = root(np.full(n, 4.0), 0.5)
        assert total == 2.0 * n and roots.tolist() == [2.0] * n


def test_threads_call_one_program() -> None:
    root, wrong = MODULE["root"].compile("llvm"), list[float]()
    root(np.ones(1000), 1.0)

    def work(k: int) -> None:
        for _ in range(50):
            total, roots = root(np.full(1000, float(k * k)), 1.0)
            if total != 1000.0 * k * k or (roots != k).any():
                wrong.append(total)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_interpreter_with_other_objects_goes_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert layout_holds()
    monkeypatch.setattr("pushforward.codegen.llvm.python_call.layout_holds", lambda: False)
    compiled = MODULE["rosenbrock"].compile("llvm")
    monkeypatch.setattr(native, "compile_llvm", native.compile_llvm.__wrapped__)
    assert [compiled(1.0, 2.0) for _ in range(3)] == [100.0] * 3
    assert not compiled.latest
