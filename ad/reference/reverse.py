"""Reverse mode by the literal macro: the reference that the production pass is compared with.

A first-order program of the macro's fragment enters, ``(x, y_bar) -> (y, x_bar)`` leaves, as in `ad.reverse`.
"""

from __future__ import annotations

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Program, as_array
from ...lang.passes.simplify import simplify
from .emit import emit_outputs
from .macro import differentiate, is_float, seeds, unsupported
from .partial import normal_form
from .terms import App, Let, Names, Proj, Term, Tuple, Var, type_of

MAX_STEPS = 100  # continuations over the whole context take quadratic room


def reference_term(program: Program) -> tuple[list[Var], Term]:
    """The program and its cotangents as one term with continuations, and its inputs followed by output cotangents."""
    if len(program.steps) > MAX_STEPS:
        raise unsupported(f"programs of more than {MAX_STEPS} steps")
    names = Names()
    inputs = [names.fresh("a", type_) for type_ in map(as_array, program.inputs)]
    z_types = [as_array(type_) for type_ in program.output_types if is_float(type_)]
    zs = [names.fresh("z", type_) for type_ in z_types]
    bars = names.fresh("g")

    def finish(slots: list[Term], continuation: Var, context: list[int]) -> Term:
        floats = [slot for slot in program.outputs if slot in context]
        given = seeds(slots, context, list(zip(floats, zs, strict=True)))
        count = sum(is_float(type_) for type_ in program.inputs)
        outputs = [slots[slot] for slot in program.outputs]
        result = Tuple((*outputs, *(Proj(k, bars) for k in range(count))))
        return Let(bars, App(continuation, given), result)

    return [*inputs, *zs], differentiate(program, inputs, names, finish)


def reference_reverse(program: Program) -> Program:
    """The program ``(x, y_bar) -> (y, x_bar)`` by the macro of Huot & Shaikhha 2022 and partial evaluation.

    Raises:
        DiagnosticError: E118 for what the macro does not cover.

    >>> from ...lang.builder import body
    >>> square = body("square", [ArrayType("f64")], lambda b, x: [b.apply("mul", x[0], x[0])])
    >>> len(reference_reverse(square).outputs)
    2
    """
    if not all(isinstance(type_, ArrayType) for type_ in program.types):
        raise unsupported("functions and variants")
    inputs, term = reference_term(program)
    try:
        term = normal_form(term)
    except RecursionError:
        raise unsupported("programs of this size") from None
    b = Builder(program.name, [type_of(var) for var in inputs], program.sizes)
    slots = emit_outputs(b, term, {var.name: slot for slot, var in enumerate(inputs)})
    return simplify(b.build(slots))
