"""A function of an LLVM module while it is written: what it keeps, and the functions that it calls."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from llvmlite import ir

from .buffers import Buffers
from .dtypes import I64, POINTER

# Uses of one formula in a function; more are calls, or long programs grow out of hand.
INLINED, INLINED_IN_LOOPS = 8, 200


@dataclass
class Formula:
    """A function of one number, and how often it is used."""

    function: ir.Function
    uses: int = 0


Formulas = dict[tuple[str, int, bool], Formula]  # by name, lanes, and whether a loop uses it


@dataclass
class Unit:
    """A function that is being written."""

    module: ir.Module
    function: ir.Function
    entry: ir.IRBuilder
    buffers: Buffers
    formulas: Formulas  # of the whole module
    literals: dict[bytes, ir.GlobalVariable] = field(default_factory=dict)
    loops: int = 0  # around the place that is being written
    straight: bool = True  # no loop has been written
    blocks: tuple[ir.Value, ...] = ()  # memory that the parts of a long program share, for numbers
    used: int = 0  # bytes of it
    parts: dict[Hashable, Any] = field(default_factory=dict)  # the places of functions that are parts, see `kernel`

    def variable(self, type_: ir.Type, count: int = 1, align: int = 8) -> ir.Value:
        """Memory on the stack for some numbers, made where the function begins."""
        slot = self.entry.alloca(type_, ir.Constant(I64, count) if count != 1 else None)
        slot.align, slot.type = align, POINTER
        return slot

    @contextmanager
    def loop(self) -> Iterator[None]:
        """What is written inside runs again and again."""
        self.loops, self.straight = self.loops + 1, False
        yield
        self.loops -= 1

    def external(self, name: str, result: ir.Type, parameters: Sequence[ir.Type]) -> ir.Function:
        """A function of numbers by name, declared once."""
        found = self.module.globals.get(name)
        if found is None:
            found = pure(ir.Function(self.module, ir.FunctionType(result, list(parameters)), name))
        return found


def settle(formulas: Formulas) -> None:
    """All is written: formulas in loops, and those used a few times, go where they are used; others are called."""
    for (_, _, in_loop), formula in formulas.items():
        few = formula.uses <= (INLINED_IN_LOOPS if in_loop else INLINED)
        formula.function.attributes.add("alwaysinline" if few else "noinline")


def pure(function: ir.Function) -> ir.Function:
    """A function of numbers that touches no memory, which spares LLVM to ask what a call might have changed."""
    function.attributes.add("nounwind")
    function.attributes.add("readnone")
    return function


def call_address(b: ir.IRBuilder, address: ir.Value, result: ir.Type, *operands: ir.Value) -> ir.Value:
    """Call the function at an address: pointers of LLVM do not say what they point to."""
    return b.call(_Pointed(address, ir.FunctionType(result, [x.type for x in operands])), operands)


class _Pointed(ir.Value):
    def __init__(self, pointer: ir.Value, function_type: ir.FunctionType) -> None:
        self.pointer, self.type, self.function_type = pointer, POINTER, function_type

    def get_reference(self) -> str:
        return self.pointer.get_reference()
