"""What functions return: each code, and results that are left alone where something is wrong."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pushforward as pf

from .programs import needs_compiler

pytestmark = needs_compiler
OK, WRONG_SIZE, BAD_POINTER, NO_MEMORY, BAD_INDEX = range(5)
TEXT = """
def scale[n, m](a: [n, m]f64, k: i64, on: bool): [n, m]f64 = if on then a * f64(k) else a
def pick[n](x: [n]i64, i: i64): i64 = x[i]
def read[n](x: [n]f64, i: i64): f64 = x[i]
def large[n](x: [n]f64): f64 = let y = for i < n => exp(x[n - 1 - i]) in sum(for i < n => y[i] * y[n - 1 - i])
def empty[n](x: [n]f64): f64 = sum(x)
def half(x: f32, on: bool): (f32, bool) = (x * 0.5, not on)
"""
Function = Callable[..., int]


def function(name: str, folder: Path, **sizes: int) -> Function:
    """The value of a definition, in a library that is loaded into this process."""
    pf.build(pf.parse(TEXT)[name], folder, sizes=sizes, derivative=["value"], emit=["so"])
    return getattr(ctypes.CDLL(str(folder / f"{name}.so")), f"{name}_value")


def at(array: np.ndarray, offset: int = 0) -> Any:
    """The address of an array, or of one of its elements."""
    return ctypes.c_void_p(array.ctypes.data + offset * array.itemsize)


def whole(number: int) -> Any:
    return ctypes.c_int64(number)


def test_sizes_and_pointers_are_checked(tmp_path: Path) -> None:
    scale = function("scale", tmp_path, n=2, m=3)
    a, out = np.arange(6.0), np.full(6, -1.0)
    for sizes in ((3, 2), (2, 2), (0, 3), (-2, 3)):
        assert scale(*map(whole, sizes), at(a), whole(2), True, at(out)) == WRONG_SIZE
    assert scale(whole(2), whole(3), None, whole(2), True, at(out)) == BAD_POINTER
    assert scale(whole(2), whole(3), at(a), whole(2), True, None) == BAD_POINTER
    assert (out == -1.0).all()
    assert scale(whole(2), whole(3), at(a), whole(2), True, at(out)) == OK
    assert out.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert scale(whole(2), whole(3), at(a), whole(2), False, at(out)) == OK
    assert (out == a).all()


@pytest.mark.parametrize(("place", "code"), [(0, BAD_POINTER), (5, BAD_POINTER), (-5, BAD_POINTER), (6, OK), (-6, OK)])
def test_results_may_not_overlap(place: int, code: int, tmp_path: Path) -> None:
    scale = function("scale", tmp_path, n=2, m=3)
    room = np.arange(18.0)
    before = room.copy()
    assert scale(whole(2), whole(3), at(room, 6), whole(2), True, at(room, 6 + place)) == code
    assert (room[6:12] == before[6:12]).all() and (room == before).all() == (code != OK)


def test_an_index_out_of_range_is_told(tmp_path: Path) -> None:
    pick = function("pick", tmp_path, n=3)
    x, out = np.array([5, 6, 7]), np.zeros(1, np.int64)
    for index, code in ((0, OK), (2, OK), (3, BAD_INDEX), (-1, BAD_INDEX)):
        assert pick(whole(3), at(x), whole(index), at(out)) == code
    read = function("read", tmp_path, n=3)
    number = np.zeros(1)
    assert read(whole(3), at(x.astype(float)), whole(3), at(number)) == OK and np.isnan(number).all()


def test_memory_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 1 << 46  # more than any machine gives, and no array of that length is touched
    large = function("large", tmp_path, n=count)
    x, out = np.zeros(1), np.full(1, -1.0)
    # Addresses that do not overlap: the result stands before the input.
    first, second = sorted([x.ctypes.data, out.ctypes.data])
    assert large(whole(count), ctypes.c_void_p(second), ctypes.c_void_p(first)) == NO_MEMORY
    assert (x[0], out[0]) == (0.0, -1.0)
    large = function("large", tmp_path / "small", n=100_000)
    x = np.linspace(-1.0, 1.0, 100_000)
    assert large(whole(x.size), at(x), at(out)) == OK
    assert out[0] == pytest.approx(x.size)


def test_arrays_without_elements_need_no_place(tmp_path: Path) -> None:
    empty = function("empty", tmp_path, n=0)
    out = np.full(1, -1.0)
    assert empty(whole(0), None, at(out)) == OK and out[0] == 0.0


def test_small_numbers_come_by_value(tmp_path: Path) -> None:
    half = function("half", tmp_path)
    number, flag = np.zeros(1, np.float32), np.zeros(1, bool)
    for on in (True, False):
        assert half(ctypes.c_float(3.0), ctypes.c_bool(on), at(number), at(flag)) == OK
        assert number[0] == 1.5 and flag[0] == (not on)


def test_arrays_that_a_function_closes_over_are_in_the_library(tmp_path: Path) -> None:
    weights = np.arange(100.0)
    program = pf.trace(lambda x: x @ weights, np.ones(100))
    pf.build(program, tmp_path, name="inner")
    library = ctypes.CDLL(str(tmp_path / "inner.so"))
    x, value, grad = np.linspace(0.0, 1.0, 100), np.zeros(1), np.zeros(100)
    assert library.inner_gradient(at(x), at(value), at(grad)) == OK
    assert value[0] == pytest.approx(x @ weights) and (grad == weights).all()
