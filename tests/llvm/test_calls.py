"""What a caller may hand to native code: each argument is read rightly or refused, and none is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pushforward as pf
from pushforward.codegen.llvm.compile import _checked, compile_llvm
from pushforward.lang.builder import body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import ArrayType, Program

N = 19  # two rounds of eight lanes and a rest
BASE = np.linspace(-1.0, 1.0, N)


def _twice(dtype: str, *shape: int) -> Program:
    return body("twice", [ArrayType(dtype, shape)], lambda b, x: [b.apply("add", x[0], x[0])])


def _misaligned(array: np.ndarray, dtype: Any = None) -> np.ndarray:
    found = np.frombuffer(b"x" + array.astype(dtype or array.dtype).tobytes(), dtype or array.dtype, offset=1)
    assert not found.flags.aligned and not found.flags.writeable
    return found


def _read_only(array: np.ndarray) -> np.ndarray:
    found = array.copy()
    found.flags.writeable = False
    return found


HANDED = {
    "as it is": BASE,
    "read-only": _read_only(BASE),
    "misaligned": _misaligned(BASE),
    "other byte order": BASE.astype(">f8"),
    "misaligned in the other byte order": _misaligned(BASE, ">f8"),
    "backwards": BASE[::-1].copy()[::-1],
    "every second": np.repeat(BASE, 2)[::2],
    "column": np.stack([BASE, BASE], axis=1)[:, 0],
    "field": np.array([(1, x) for x in BASE], [("pad", "i1"), ("x", "f8")])["x"],
    "list": BASE.tolist(),
    "memory": memoryview(BASE.tobytes()).cast("d"),
    "in half the width": BASE.astype(np.float32),
    "whole": np.arange(N),
    "truth values": BASE > 0,
    "one number many times": np.broadcast_to(np.float64(0.1), N),
}


@pytest.mark.parametrize("kind", HANDED)
@pytest.mark.parametrize("call", ["slots", "program"])
def test_arrays_of_any_layout_are_read(kind: str, call: str) -> None:
    handed = HANDED[kind]
    wanted = 2.0 * np.asarray(handed, float)
    if call == "slots":
        found = compile_llvm(_twice("f64", N))([handed])[0]
    elif kind in ("memory", "truth values"):
        pytest.skip("refused before: E163, E164")
    else:
        found = TWICE.compile("llvm")(handed)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.float64 and found.flags.owndata and found.flags.writeable


def test_native_code_sees_dense_aligned_arrays_in_its_own_byte_order() -> None:
    run = compile_llvm(_twice("f64", N))
    for handed in HANDED.values():
        (array,) = _checked(run.program, run.inputs, [handed])
        assert array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative
    assert _checked(run.program, run.inputs, [BASE])[0] is BASE  # nothing is copied without need


TWICE = pf.parse("def twice[n](x: [n]f64): [n]f64 = for i < n => x[i] + x[i]")["twice"]


def test_matrices_of_any_layout_are_read() -> None:
    run = compile_llvm(_twice("f64", 3, 5))
    x = np.arange(120.0).reshape(8, 15)
    for part in (x[:3, :5], x[::3, ::3], x[2::-1, 4::-1], np.asfortranarray(x[:3, :5]), x.T[:3, :5]):
        np.testing.assert_array_equal(run([part])[0], 2 * part)


def test_an_array_that_is_given_twice_is_read_twice_and_not_changed() -> None:
    program = body(
        "both", [ArrayType("f64", (N,))] * 2, lambda b, x: [b.apply("mul", x[0], x[1]), x[0], b.apply("neg", x[1])]
    )
    x = BASE.copy()
    product, same, negative = compile_llvm(program)([x, x])
    np.testing.assert_array_equal(x, BASE)
    np.testing.assert_array_equal(product, BASE * BASE)
    np.testing.assert_array_equal(negative, -BASE)
    same[:] = 7.0  # a result is the caller's, also one that is an argument
    np.testing.assert_array_equal(x, BASE)
    whole = np.arange(N + 3.0)
    np.testing.assert_array_equal(compile_llvm(program)([whole[3:], whole[:N]])[0], whole[3:] * whole[:N])


REFUSED: dict[str, tuple[str, Any]] = {
    "too short": ("f64", BASE[:-1]),
    "too long": ("f64", np.zeros(N + 1)),
    "empty": ("f64", np.zeros(0)),
    "scalar": ("f64", 1.0),
    "column": ("f64", BASE[:, None]),
    "matrix": ("f64", np.zeros((N, N))),
    "ragged": ("f64", [[1.0], [2.0, 3.0]]),
    "nothing": ("f64", None),
    "text": ("f64", ["1"] * N),
    "bytes": ("f64", b"1234567890123456789"),
    "objects": ("f64", np.array([1.0] * N, object)),
    "complex": ("f64", BASE + 0j),
    "structures": ("f64", np.zeros(N, [("x", "f8")])),
    "dates": ("f64", np.zeros(N, "M8[s]")),
    "too large for f32": ("f32", np.full(N, 1e300)),
    "floats for whole numbers": ("i64", BASE),
    "too large for i64": ("i64", np.full(N, 2**63, np.uint64)),
    "larger than all": ("i64", [2**70] * N),
    "too large for int8": ("int8", np.full(N, 300)),
    "too large for uint8": ("uint8", np.full(N, 300, np.uint16)),
    "negative": ("uint8", np.full(N, -1)),
    "numbers for truth values": ("bool", np.arange(N)),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_refused(kind: str) -> None:
    dtype, handed = REFUSED[kind]
    double = "logical_or" if dtype == "bool" else "add"
    run = compile_llvm(body("f", [ArrayType(dtype, (N,))], lambda b, x: [b.apply(double, x[0], x[0])]))
    with pytest.raises(DiagnosticError, match="E143"):
        run([handed])


def test_numbers_that_fit_a_smaller_type_are_taken() -> None:
    for dtype, handed in (("int8", np.full(N, -7)), ("uint8", np.full(N, 100, np.uint32)), ("f32", np.full(N, 0.5))):
        (found,) = compile_llvm(_twice(dtype, N))([handed])
        np.testing.assert_array_equal(found, 2 * handed)
    bad = compile_llvm(_twice("f32", N))([np.where(BASE > 0, np.inf, np.nan)])[0]
    np.testing.assert_array_equal(bad, np.where(BASE > 0, np.inf, np.nan))


def test_bytes_that_are_neither_true_nor_false_are_true() -> None:
    program = body(
        "counted",
        [ArrayType("bool", (3,))],
        lambda b, x: [b.apply("convert", x[0], dtype="i64"), b.apply("logical_not", x[0])],
    )
    numbers, turned = compile_llvm(program)([np.array([0, 2, 255], np.uint8).view(bool)])
    assert numbers.tolist() == [0, 1, 1] and turned.tolist() == [True, False, False]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_arrays_of_nothing(shape: tuple[int, ...]) -> None:
    (found,) = compile_llvm(_twice("f64", *shape))([np.zeros(shape)])
    assert found.shape == shape


def test_a_wrong_number_of_arguments_is_refused() -> None:
    run = compile_llvm(_twice("f64", N))
    for wrong in ([], [BASE, BASE]):
        with pytest.raises(DiagnosticError, match="E143"):
            run(wrong)
