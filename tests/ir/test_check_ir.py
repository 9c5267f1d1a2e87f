"""The checker of unary form: well-formed programs pass, and every mutant of them is rejected with the step named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from pushforward.lang.builder import Builder, body
from pushforward.lang.check_ir import check_program
from pushforward.lang.diagnostics import InternalError
from pushforward.lang.ir import (
    Apply,
    ArrayType,
    Branch,
    Close,
    Constant,
    DataType,
    Each,
    Fold,
    FunType,
    Inject,
    Invoke,
    Op,
    Program,
    SizeValue,
    SlotType,
    Step,
)
from pushforward.lang.sizes import variable
from pushforward.lang.types import Data

from .programs import programs

F64, F32, I64, BOOL = ArrayType("f64"), ArrayType("f32"), ArrayType("i64"), ArrayType("bool")
N = variable("n")
ROW = ArrayType("f64", (N,))


def scaled() -> Program:
    """``sum(for i < n => w * x[i])`` as an `Each`."""
    inner = body("term", [F64, F64, I64], lambda b, x: [b.apply("mul", x[0], x[1])])
    b = Builder("scaled", [ROW, F64], ("n",))
    return b.build(b.each(N, [1], [0], inner, ["sum"]))


def stepped() -> Program:
    """A fold with a capture, an array, two carries and two extras."""
    inner = body(
        "step",
        [F64, F64, F64, I64, I64],
        lambda b, x: [b.apply("mul", x[0], x[2]), x[4], b.apply("add", x[1], x[2]), x[2]],
    )
    b = Builder("stepped", [ROW, F64], ("n",))
    zero = b.constant(0, "i64")
    return b.build(b.fold(N, [1], [0], [1, zero], inner, ["stack", "sum"]))


def looped() -> Program:
    """A while loop with one capture."""
    inner = body("double", [F64, F64, I64], lambda b, x: [b.apply("add", x[1], x[1])])
    below = body("below", [F64, F64], lambda b, x: [b.apply("lt", x[1], x[0])])
    b = Builder("looped", [F64, F64])
    return b.build(b.fold(9, [0], [], [1], inner, condition=below))


def chosen(selector: SlotType = BOOL) -> Program:
    """A branch between a product and a literal."""
    first = body("product", [F64], lambda b, x: [b.apply("mul", x[0], x[0])])
    second = body("literal", [F64], lambda b, x: [b.constant(2.0)])
    b = Builder("chosen", [selector, F64])
    return b.build(b.emit(Branch((first, second)), (0, 1), (F64,)))


def called() -> Program:
    """A program with both custom rules, called."""
    jvp = body("jvp", [F64, I64, F64], lambda b, x: [x[2]])
    vjp = body("vjp", [F64, I64, F64], lambda b, x: [x[2]])
    inner = replace(body("same", [F64, I64], lambda b, x: [x[0]]), rules=(("jvp", jvp), ("vjp", vjp)))
    b = Builder("called", [F64, I64])
    return b.build(b.call(inner, [0, 1]))


def closed() -> Program:
    """A closure, applied."""
    inner = body("plus", [F64, F64], lambda b, x: [b.apply("add", x[0], x[1])])
    b = Builder("closed", [F64, F64])
    (function,) = b.emit(Close(inner), (0,), (FunType((F64,), (F64,)),))
    return b.build(b.emit(Invoke(), (function, 1), (F64,)))


def constants() -> Program:
    b = Builder("constants", [], ("n",))
    return b.build([b.constant([1.0, 2.0], "f64", (2,)), b.constant(True, "bool"), b.size(N), b.constant(1, "i64")])


GOOD: list[Callable[[], Program]] = [scaled, stepped, looped, chosen, called, closed, constants]


@pytest.mark.parametrize("make", GOOD)
def test_well_formed_programs_pass(make: Callable[[], Program]) -> None:
    check_program(make())


@given(programs())
def test_random_programs_pass(program: Program) -> None:
    check_program(program)


def with_op(program: Program, position: int = 0, /, **changes: object) -> Program:
    """The program with fields of one operation changed."""
    step = program.steps[position]
    return with_step(program, position, op=replace(step.op, **changes))


def with_step(program: Program, position: int = 0, /, **changes: object) -> Program:
    steps = list(program.steps)
    steps[position] = replace(steps[position], **changes)
    return replace(program, steps=tuple(steps))


def fold_op(program: Program) -> Fold:
    op = program.steps[-1].op
    assert isinstance(op, Fold)
    return op


def each_op(program: Program) -> Each:
    op = program.steps[-1].op
    assert isinstance(op, Each)
    return op


def lone(op: Op, type_: SlotType, inputs: tuple[SlotType, ...] = ()) -> Program:
    return Program("lone", (), inputs, (Step(op, tuple(range(len(inputs))), (type_,)),), (len(inputs),))


PAIR = ArrayType("f64", (2,))
IDENTITY = body("identity", [F64], lambda b, x: [x[0]])
TRUE = body("true", [F64], lambda b, x: [b.constant(True, "bool")])
TWO = body("two", [F64, I64], lambda b, x: [x[0]])
TREE = DataType(Data("Tree", ()))

MUTANTS: dict[str, tuple[Program, str]] = {
    "a later slot is read": (with_step(constants(), 0, operands=(9,)), "%9 is not defined before"),
    "a step reads itself": (with_step(scaled(), operands=(2, 0)), "%2 is not defined before"),
    "a negative slot is read": (with_step(scaled(), operands=(-1, 0)), "%-1 is not defined before"),
    "an output is missing": (replace(scaled(), outputs=(3,)), "output %3"),
    "an undeclared size in an input": (replace(scaled(), sizes=()), "size n is not declared"),
    "an undeclared size as a value": (replace(constants(), sizes=()), "size n is not declared"),
    "a negative size": (lone(Apply("broadcast", (("axes", ()), ("shape", (-1,)))), ArrayType("f64", (-1,)), (F64,)),
                        "size -1 is negative"),
    "a body with sizes of its own": (with_op(scaled(), body=replace(each_op(scaled()).body, sizes=("m",))), "sizes"),
    "a literal with too few bytes": (lone(Constant(b"\0" * 7), F64), "takes 8 bytes, not 7"),
    "a literal with too many bytes": (lone(Constant(b"\0" * 24), ArrayType("f64", (2,))), "takes 16 bytes, not 24"),
    "a truth value that is neither": (lone(Constant(b"\2"), BOOL), "byte 0 or 1"),
    "a literal of open shape": (replace(lone(Constant(b""), ROW), sizes=("n",)), "open shape"),
    "a literal with an operand": (lone(Constant(b"\0" * 8), F64, (F64,)), "operands"),
    "a size that is a float": (lone(SizeValue(3), F64), "not (i64)"),
    "an unknown primitive": (lone(Apply("twist"), F64, (F64,)), "twist"),
    "a primitive with too few operands": (lone(Apply("mul"), F64, (F64,)), "mul takes 2 operands"),
    "a primitive with mixed dtypes": (lone(Apply("mul"), F64, (F64, F32)), "mul"),
    "a primitive with mixed shapes": (lone(Apply("mul"), PAIR, (PAIR, ArrayType("f64", (3,)))), "mul"),
    "a primitive with a wrong result": (lone(Apply("lt"), F64, (F64, F64)), "results have types (f64), not (bool)"),
    "a primitive on a function": (lone(Apply("neg"), F64, (FunType((), (F64,)),)), "arrays only"),
    "a missing parameter": (lone(Apply("reduce_sum"), F64, (ArrayType("f64", (2,)),)), "do not fit"),
    "an axis out of range": (lone(Apply("cumsum", (("axis", 1), ("reverse", False))), ArrayType("f64", (2,)),
                                  (ArrayType("f64", (2,)),)), "cumsum"),
    "parameters out of order": (lone(Apply("cumsum", (("reverse", False), ("axis", 0))), ArrayType("f64", (2,)),
                                     (ArrayType("f64", (2,)),)), "not sorted"),
    "an undeclared size in a parameter": (lone(Apply("broadcast", (("axes", ()), ("shape", (N,)))), F64, (F64,)),
                                          "size n is not declared"),
    "an each over another length": (with_op(scaled(), size=3), "no array of length 3"),
    "an each over a scalar": (with_op(scaled(), captures=0), "no array of length n"),
    "an each with too many captures": (with_op(scaled(), captures=5), "5 captures among 2 operands"),
    "an each whose body lacks the index": (with_op(scaled(), body=body("b", [F64, F64], lambda b, x: [x[0]])),
                                           "inputs of the body"),
    "an each whose body takes the array whole": (
        with_op(scaled(), body=body("b", [F64, ROW, I64], lambda b, x: [x[0]])),
                                                 "inputs of the body"),
    "an each that combines too little": (with_op(scaled(), combine=()), "combined in 0 ways"),
    "an each that combines in a new way": (with_op(scaled(), combine=("max",)), "'max'"),
    "an each that stacks what it says it sums": (with_op(scaled(), combine=("stack",)), "results have types"),
    "an each that sums truth values": (
        with_op(scaled(), body=body("b", [F64, F64, I64], lambda b, x: [b.apply("lt", x[0], x[1])])),
        "cannot be summed"),
    "a broken step in a body": (
        with_op(scaled(), body=with_step(each_op(scaled()).body, types=(F32,))),
        "step %2 (each), in term: step %3 (mul)"),
    "a fold with a carry that changes type": (
        with_op(stepped(), 1, body=replace(fold_op(stepped()).body, outputs=(4, 4, 6, 2))), "next carries"),
    "a fold with an extra too many": (
        with_op(stepped(), 1, body=replace(fold_op(stepped()).body, outputs=(5, 4, 6, 2, 2))), "combined in 2 ways"),
    "a fold that counts its arrays wrong": (with_op(stepped(), 1, arrays=2), "no array of length n"),
    "a fold with a negative count": (with_op(stepped(), 1, captures=-1), "-1 captures"),
    "a fold with swapped results": (with_step(stepped(), 1, types=(I64, F64, ROW, F64)), "results have types"),
    "a condition on the index": (with_op(looped(), condition=TWO), "inputs of the condition"),
    "a condition that is a number": (
        with_op(looped(), condition=body("b", [F64, F64], lambda b, x: [x[0]])), "outputs of the condition"),
    "a condition on a fold with arrays": (with_op(stepped(), 1, condition=TRUE), "neither arrays nor extra"),
    "a selector that is a float": (chosen(F64), "selector of type f64"),
    "three arms for a truth value": (with_op(chosen(), arms=(IDENTITY,) * 3), "between 2 arms, not 3"),
    "no arms": (with_op(chosen(), arms=()), "needs a selector and arms"),
    "arms that disagree": (with_op(chosen(), arms=(IDENTITY, TRUE)), "outputs of arm true"),
    "an arm that takes more": (with_op(chosen(), arms=(IDENTITY, TWO)), "inputs of arm two"),
    "a call with swapped operands": (with_step(called(), operands=(1, 0)), "operands have types (i64, f64)"),
    "a call with a wrong result": (with_step(called(), types=(I64,)), "results have types"),
    "a rule of an unknown kind": (replace(IDENTITY, rules=(("hvp", IDENTITY),)), "no such kind"),
    "a jvp without tangents": (replace(IDENTITY, rules=(("jvp", IDENTITY),)), "rule jvp: inputs"),
    "a vjp that returns too much": (
        replace(IDENTITY, rules=(("vjp", body("v", [F64, F64], lambda b, x: [x[0], x[1]])),)), "rule vjp: outputs"),
    "a closure over the wrong thing": (
        with_op(closed(), program=body("b", [I64, F64], lambda b, x: [x[1]])), "captures have types"),
    "a closure of another type": (with_step(closed(), types=(FunType((I64,), (F64,)),)), "results have types"),
    "an invocation of a number": (lone(Invoke(), F64, (F64,)), "f64 is not a function"),
    "an invocation with too few arguments": (with_step(closed(), 1, operands=(2,)), "arguments have types"),
    "a variant that is an array": (lone(Inject(0), F64), "variant type"),
    "a negative constructor": (lone(Inject(-1), TREE), "constructor number -1"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_rejected(name: str) -> None:
    program, message = MUTANTS[name]
    with pytest.raises(InternalError) as caught:
        check_program(program)
    assert message in str(caught.value)
