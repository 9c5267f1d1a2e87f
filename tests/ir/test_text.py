"""Text of programs: what is printed reads back to the same program, and bad text is refused at its line."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.ad.reverse import reverse
from pushforward.lang import types
from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import (
    Apply,
    ArrayType,
    Close,
    Constant,
    DataType,
    Function,
    FunType,
    Inject,
    Invoke,
    Op,
    Param,
    Program,
    Signature,
    SizeValue,
    SlotType,
    Step,
    Transform,
)
from pushforward.lang.primitives import table
from pushforward.lang.sizes import add, mul, sub, variable
from pushforward.lang.text.parse_ir import OPERATION_WORDS, parse_program
from pushforward.lang.text.print_ir import show_program

from .programs import programs

F64, I64, BOOL = ArrayType("f64"), ArrayType("i64"), ArrayType("bool")
N, M = variable("n"), variable("m")
TREE = types.Data("Tree", (types.F64,))


def assert_round_trip(program: Program) -> str:
    text = show_program(program)
    again = parse_program(text)
    assert again == program
    assert again.signature == program.signature
    assert show_program(again) == text
    return text


def one_step(op: Op, type_: SlotType, inputs: tuple[SlotType, ...] = ()) -> Program:
    step = Step(op, tuple(range(len(inputs))), (type_,))
    return Program("one", ("n", "m"), inputs, (step,), (len(inputs),))


@given(programs())
def test_random_programs_round_trip(program: Program) -> None:
    assert_round_trip(program)


@given(programs(fuel=4))
def test_derivative_programs_round_trip(program: Program) -> None:
    assert_round_trip(reverse(program))


@given(st.floats(width=64))
def test_doubles_are_exact(value: float) -> None:
    assert_round_trip(one_step(Constant(struct.pack("<d", value)), F64))


@given(st.binary(min_size=4, max_size=4))
def test_any_bits_of_a_single_are_exact(data: bytes) -> None:
    assert_round_trip(one_step(Constant(data), ArrayType("f32")))


@given(
    st.binary(min_size=16, max_size=16),
    st.sampled_from([("f64", (2,)), ("f16", (2, 4)), ("i64", (2, 1)), ("uint8", (16,))]),
)
def test_any_bits_of_an_array_are_exact(data: bytes, kind: tuple[str, tuple[int, ...]]) -> None:
    assert_round_trip(one_step(Constant(data), ArrayType(*kind)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (-0.0, "-0.0"), (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (1e300, "1e+300")],
)
def test_scalars_read_as_people_write_them(value: float, text: str) -> None:
    assert f"constant {text}\n" in assert_round_trip(one_step(Constant(struct.pack("<d", value)), F64))


def test_singles_are_as_short_as_their_precision_allows() -> None:
    data = np.float32(0.1).tobytes()
    assert "constant 0.1\n" in assert_round_trip(one_step(Constant(data), ArrayType("f32")))
    assert_round_trip(one_step(Constant(np.finfo("f4").max.tobytes()), ArrayType("f32")))


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (1, 1, 1)])
def test_arrays_without_elements_keep_their_shape(shape: tuple[int, ...]) -> None:
    assert_round_trip(one_step(Constant(np.zeros(shape).tobytes()), ArrayType("f64", shape)))


def test_a_literal_of_the_wrong_length_still_prints() -> None:
    assert 'bytes "00"' in assert_round_trip(one_step(Constant(b"\0"), F64))


PARAMS: list[Param] = [
    None, True, False, 0, -7, 2.5, -0.0, 1e-300, math.inf, -math.inf, "ij,jk->ik", 'a "b" \\ \n', N, sub(mul(2, N), M),
    (), (1,), (N, 3, ("x", (None,))), add(mul(N, N), -1),
]  # fmt: skip


@pytest.mark.parametrize("value", PARAMS, ids=repr)
def test_parameters_are_exact(value: Param) -> None:
    text = show_program(one_step(Apply("any", (("other", 1), ("value", value))), F64, (F64,)))
    (step,) = parse_program(text).steps
    assert isinstance(step.op, Apply)
    again = step.op["value"]
    assert (type(again), repr(again)) == (type(value), repr(value))


@pytest.mark.parametrize(
    ("op", "type_", "inputs"),
    [
        (SizeValue(sub(mul(N, M), 1)), I64, ()),
        (Function("a.pf", "f", (types.F64, types.array((N, 2), types.I64)), (N, 3)), FunType((F64,), (F64,)), ()),
        (Close(body("g", [F64, I64], lambda b, x: [x[0]])), FunType((I64,), (F64,)), (F64,)),
        (Invoke(), F64, (FunType((F64,), (F64,)), F64)),
        (Inject(1), DataType(TREE), (DataType(TREE), DataType(TREE, 2))),
        (Transform("grad", (("wrt", (0,)),)), FunType((F64,), (F64,)), (FunType((F64,), (F64,)),)),
        (Invoke(), FunType((), ()), (FunType((), (FunType((), ()),)),)),
    ],
)
def test_steps_of_the_full_stage(op: Op, type_: SlotType, inputs: tuple[SlotType, ...]) -> None:
    assert_round_trip(one_step(op, type_, inputs))


SURFACE: list[types.Type] = [
    types.Tuple((types.F64, types.array((N,), types.BOOL))),
    types.Record((("mu", types.F64), ("s", types.Tuple(())))),
    types.array((2,), types.Tuple((types.F64, types.I64))),
    types.Fun((types.Fun((types.F64,), types.F64), types.I64), types.Tuple((types.F64,))),
    types.Data("Tree", (types.Tuple((types.F64,)),)),
    types.SizeType(),
]


@pytest.mark.parametrize("type_", SURFACE, ids=types.show_type)
def test_signatures_name_the_inputs(type_: types.Type) -> None:
    from pushforward.lang.ir import leaves

    inputs = (*leaves(type_), F64)
    signature = Signature((("odd name", type_), ("x", types.F64)), type_)
    text = assert_round_trip(Program("f", ("n",), inputs, (), (0,), (), signature))
    assert f"x %{len(inputs) - 1}: f64" in text


def test_a_signature_that_does_not_fit_the_inputs_is_kept() -> None:
    signature = Signature((("x", types.Var("a")),), types.Var("?1"))
    assert_round_trip(Program("f", (), (F64, F64), (), (0,), (), signature))


def test_rules_and_odd_names_round_trip() -> None:
    jvp = body("f tangent", [F64, F64], lambda b, x: [b.apply("mul", x[0], x[1])])
    inner = body("", [F64], lambda b, x: [b.apply("sin", x[0])])
    inner = replace(inner, rules=(("jvp", jvp),))
    b = Builder('über "x"\n', [F64])
    assert_round_trip(b.build(b.call(inner, [0])))


def test_without_names_equal_work_reads_alike() -> None:
    first = body("first", [F64], lambda b, x: [b.apply("sin", x[0])])
    second = replace(first, name="second", signature=Signature((("x", types.F64),), types.F64))
    assert show_program(first) != show_program(second)
    assert show_program(first, names=False) == show_program(second, names=False)


def test_no_primitive_is_called_like_an_operation() -> None:
    assert not OPERATION_WORDS & set(table())


GOOD = """program f[n](%0: [n]f64, %1: f64):
  %2: f64 = each n (captures %1; arrays %0) -> sum:
    body g(%0: f64, %1: f64, %2: i64):
      %3: f64 = mul %0 %1
      return %3
  return %2
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("program f", "f", 1),
        ("%1: f64):", "%2: f64):", 1),
        ("%1: f64):", "%1: f64)", 1),
        ("[n]f64", "[n f64", 1),
        ("captures", "caught", 2),
        ("-> sum:", "-> sum", 2),
        ("each n", "each", 2),
        ("%2: f64 = each", "%3: f64 = each", 2),
        ("    body", "   body", 3),
        ("body g", "arm g", 3),
        ("mul %0 %1", "mul %0 $1", 4),
        ("mul %0 %1", "mul %0 %1 {axes 0}", 4),
        ("mul %0 %1", "constant [1.0]", 4),
        ("mul %0 %1", "constant 1.0 2.0", 4),
        ("mul %0 %1", 'bytes "0g"', 4),
        ("mul %0 %1", "invoke %99999999999999", 4),
        ("      return %3\n", "", 5),
        ("  return %2\n", "", None),
        ("  return %2\n", "  return %2\n  return %2\n", 7),
    ],
)
def test_bad_text_is_refused_at_its_line(old: str, new: str, line: int | None) -> None:
    parse_program(GOOD)
    assert old in GOOD
    with pytest.raises(DiagnosticError) as caught:
        parse_program(GOOD.replace(old, new, 1))
    (found,) = caught.value.diagnostics
    assert found.code == "E117"
    assert (found.span.line if found.span else None) == line


def test_text_that_nests_too_deep_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="nests too deep"):
        parse_program(f"program f(%0: {'(' * 5000}")


@given(st.integers(0, len(GOOD) - 1), st.text(max_size=2))
def test_damaged_text_never_breaks_the_reader(place: int, insert: str) -> None:
    for text in (GOOD[:place] + insert + GOOD[place:], GOOD[:place] + insert + GOOD[place + 1 :]):
        try:
            parse_program(text)
        except DiagnosticError as error:
            assert error.diagnostics[0].code == "E117"
