"""Derivative operators of the language on known functions.

The function becomes a first-order program whose first inputs are the arrays it captures and whose last inputs are its
parameters; the operator takes that program to its derivative program in the parameters, and the result is inlined.
Captured numbers stay inputs, so a derivative taken outside flows through them, and nesting needs no tags: each
operator only ever sees its own parameters as active (the perturbation confusion of Siskind & Pearlmutter 2005 cannot
arise).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..builder import Builder
from ..diagnostics import InternalError
from ..ir import FunType, Program, Transform
from .borders import enter
from .values import Node, PartialValue, Union

if TYPE_CHECKING:
    from .machine import Machine

DerivativePass = Callable[..., Program]
"""A first-order program, the inputs to differentiate in and the parameters of the word, to its derivative program:

- ``grad``: inputs -> one gradient per active input (the program has one float output);
- ``value_and_grad``: inputs -> outputs, gradients;
- ``jvp``: inputs, a tangent per active input -> outputs, a tangent per float output;
- ``vjp``: inputs, a cotangent per float output -> outputs, a cotangent per active input;
- ``jacobian``, ``hessian``, ``laplacian``: inputs -> the array, for one active input;
- ``jet`` (`order`): inputs, their coefficients order by order -> outputs, their coefficients order by order;
- ``partials``: inputs, matrices of weighted sums -> one value per atom (`lang.differential.atoms`).
"""

Transforms = Mapping[str, DerivativePass]


def derive(machine: Machine, builder: Builder, node: Node, arguments: list[PartialValue]) -> list[PartialValue]:
    """Apply a transformed function to arguments."""
    assert isinstance(node.head, Transform)
    function = node.children[0]
    if isinstance(function, Union):
        return _of_union(machine, builder, node, function, arguments)
    if not isinstance(function, Node) or not isinstance(function.type, FunType):
        raise InternalError("a derivative of something that is no function")
    kind = node.head.kind
    transform = machine.transforms.get(kind)
    if transform is None:
        raise InternalError(f"no pass for the derivative operator {kind} was given")
    count = len(function.type.inputs)
    primals, rest = arguments[:count], arguments[count:]
    own = [place for place, value in enumerate(primals) if _varies(builder, value)]
    own_slots = [value for place in own if isinstance(value := primals[place], int)]
    fixed = [value for place, value in enumerate(primals) if place not in own]
    types = [builder.array_type(slot) for slot in own_slots]
    inner = enter(builder, [function, *fixed], kind, types)
    inner_function, *inner_fixed = inner.values
    waiting, varying = iter(inner_fixed), iter(inner.own)
    inputs: list[PartialValue] = [next(varying) if place in own else next(waiting) for place in range(count)]
    outputs = machine.invoke(inner.builder, inner_function, inputs)
    program = inner.builder.build([value for value in outputs if isinstance(value, int)])
    active = (False,) * len(inner.captures) + tuple(type_.is_float for type_ in types)
    key = (node.head, program, active)
    if key not in machine.derived:
        machine.derived[key] = transform(program, active, **dict(node.head.params))
    operands = [*inner.captures, *own_slots, *(value for value in rest if isinstance(value, int))]
    return list(builder.inline(machine.derived[key], operands))


def _varies(builder: Builder, value: PartialValue) -> bool:
    """Whether an argument is an input of the program to differentiate; known integers are put into it."""
    if not isinstance(value, int):
        raise InternalError(f"a derivative in a parameter of type {value.type}")
    known = builder.scalar(value)
    return known is None or isinstance(known, float)


def _of_union(
    machine: Machine, builder: Builder, node: Node, function: Union, arguments: list[PartialValue]
) -> list[PartialValue]:
    """One transformed function per case, chosen at run time."""
    cases = tuple(None if case is None else Node(node.head, node.type, (case,)) for case in function.cases)
    return machine.invoke(builder, Union(function.selector, node.type, cases), arguments)
