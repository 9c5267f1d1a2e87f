"""Differential operators in Python: a text enters, an `Operator` that applies to programs and functions leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from . import _operator_check as check
from . import _wire
from ._estimates import Estimates
from ._operator_check import Law
from ._program import Program
from .ad.operators.expression import Classification, classify, lengths_of, record, variables_of
from .ad.operators.jets import digest
from .ad.operators.plan import Plan
from .ad.operators.planner import choose, sampled
from .ad.operators.smoothness import warn_of_kinks
from .ad.operators.spatial import Probes
from .lang.builder import Builder
from .lang.diagnostics import fail, suggest
from .lang.differential.desugar import with_types
from .lang.differential.expand import Expanded, expand
from .lang.ir import ArrayType, Close, Function, FunType, Invoke, Signature, as_array, leaves
from .lang.ir import Program as Ir
from .lang.sizes import Size, variable
from .lang.substitute import substitute_sizes
from .lang.surface import ast
from .lang.types import Array, Fun, Type, substitute_type

if TYPE_CHECKING:
    from ._module import Module
    from .lang.typed import CheckedDef

_NAME = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\[\s*(\w+(?:\s*,\s*\w+)*)\s*\])?")


def operator(text: str, variables: str, fields: str = "u", parameters: str = "") -> Operator:
    """The differential operator of an expression.

    Args:
        text: an expression of the language over derivatives of the fields: ``u_xxt`` reads letter by letter, and
            `partial`, `grad`, `div`, `laplacian`, `biharmonic`, `hessian` and `trace` apply to expressions.
        variables: names apart by blanks, ``"x t"``; ``"x[n]"`` is a vector.
        fields: names of the unknown functions of these variables.
        parameters: names of numbers, ``"nu"``, and of arrays, ``"C[n, n]"``.

    Raises E215 to E220 and E225 for what is no operator, and what the checker of the language finds.

    >>> import pushforward as pf
    >>> burgers = pf.operator("u_t + u*u_x - nu*u_xx", variables="x t", parameters="nu")
    >>> wave = pf.parse("def wave(x: f64, t: f64): f64 = x * t^2")["wave"]
    >>> burgers(wave, nu=0.1)(2.0, 3.0)
    174.0
    """
    check.check_texts(text=text, variables=variables, fields=fields, parameters=parameters)
    sizes: dict[str, None] = {}
    given = [_declared(variables, "variables", sizes), _declared(parameters, "parameters", sizes)]
    names = _declared(fields, "fields", sizes)
    if not names or not given[0]:
        raise fail("E225", "an operator needs a field and a variable", hint='for example variables="x t", fields="u"')
    if any(shape for _, shape in names):
        raise fail("E225", "a field is one number at each point", actual=fields, hint="name one field per component")

    def item(real: Literal["f64", "f32"]) -> Module:
        from ._module import parse

        typed = [", ".join(f"{name}: {shape}{real}" for name, shape in part) for part in given]
        generics = [name for name in sizes if not name.isdigit()]
        brackets = f"[{', '.join(generics)}]" if generics else ""
        heads = ", ".join([*(name for name, _ in names), *([typed[1]] if typed[1] else [])])
        module = parse(f"operator op{brackets}({heads})({typed[0]}) = {text}", real)
        check.check_alone(module.names, text)
        return module

    return Operator(text, "op", item)


def _declared(text: str, what: str, sizes: dict[str, None]) -> list[tuple[str, str]]:
    """Names with the shapes of their types as text."""
    found: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        match = _NAME.match(text, place + len(text[place:]) - len(text[place:].lstrip()))
        if match is None or (match.end() < len(text) and not text[match.end()].isspace()):
            hint = 'names apart by blanks: variables="x[n] t", parameters="nu C[n, n]"'
            raise fail("E225", f"`{text}` is no list of {what}", actual=text[place:].strip(), hint=hint)
        shape = [part.strip() for part in match[2].split(",")] if match[2] else []
        if any(part.isdigit() and not int(part) for part in shape):
            hint = "an axis has a length of 1 or more, or an open one: x[n]"
            raise fail("E225", f"`{match[1]}` has no elements", actual=match[0], hint=hint)
        sizes.update(dict.fromkeys(shape))
        found.append((match[1], f"[{', '.join(shape)}]" if shape else ""))
        place = match.end()
    return found


@dataclass(frozen=True, eq=False)
class Operator(Estimates):
    """A differential operator: apply it to its fields, then to a point.

    Equal operators have equal content: the same atoms and the same function of them.
    """

    text: str
    name: str
    module: Callable[[Literal["f64", "f32"]], Module] = field(repr=False)

    def __post_init__(self) -> None:
        assert self.expanded.name == self.name  # what is wrong with the text is said now, not when it is used

    @cached_property
    def _modules(self) -> dict[str, Module]:
        return {"f64": self.module("f64")}

    def _module(self, real: Literal["f64", "f32"]) -> Module:
        if real not in self._modules:
            self._modules[real] = self.module(real)
        return self._modules[real]

    @cached_property
    def expanded(self) -> Expanded:
        """The operator as a function of atoms."""
        return expand(with_types(_wire.operator_item(self._module("f64").checked, self.name)))

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """The content of the operator as JSON data, to which certificates are bound."""
        return record(self.expanded)

    @cached_property
    def classification(self) -> Classification:
        """The first-order part, the linear part of higher order, the rest, and which products would be biased."""
        return classify(self.expanded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operator) and self.record == other.record

    def __hash__(self) -> int:
        return hash(digest(self.record))

    def plan(self, sizes: Mapping[str, int] | None = None, samples: int | None = None, law: Law = "sampled") -> Plan:
        """The cheapest exact plan for the derivatives, or the plan of an estimate from `samples` random lanes.

        `sizes` gives lengths to open sizes by name; what stays open is compared at 100.

        >>> import pushforward as pf
        >>> pf.operator("laplacian(u)", variables="x[n]").plan({"n": 50}).vectors
        52
        """
        declared = variables_of(self.expanded)
        known = {length for _, length in declared if isinstance(length, str)}
        check.check_sizes({} if sizes is None else sizes, known)
        check.check_lanes(samples, law)
        own = tuple(
            (name, (sizes or {}).get(length, length) if isinstance(length, str) else length)
            for name, length in declared
        )
        atoms = self.expanded.atoms
        if not atoms:
            raise fail("E220", "this operator has no field in it", hint="write at least one derivative of a field")
        choice = choose(atoms, own) if samples is None else sampled(atoms, own, Probes(samples, law))
        return Plan(self.record, choice.scheme, choice.candidates)

    def __call__(self, *fields: Any, **parameters: Any) -> Any:
        """The operator applied to one program or JAX function per field: a program or function of the variables.

        E217 when a field has another number of variables, E218 for a parameter that is missing or not declared.
        """
        self.check_fields(fields, parameters)
        if all(isinstance(item, Program) for item in fields):
            return self._of_programs(fields, parameters)
        return self._of_functions(fields, parameters)

    def check_fields(self, fields: Sequence[Any], parameters: Mapping[str, Any]) -> None:
        """E217 when these are not as many as the operator has, E218 when parameters are not those that it declares."""
        names = [item.name for item in self.expanded.fields]
        if len(fields) != len(names):
            message = f"this operator applies to {len(names)} fields, not {len(fields)}"
            raise fail("E217", message, expected=", ".join(names), hint="give one function per field, in order")
        self.check_parameters(parameters)
        check.check_fields(names, fields)

    def check_parameters(self, parameters: Mapping[str, Any]) -> None:
        declared = [item.name for item in self.expanded.parameters]
        shown = ", ".join(declared) or "none"
        for name in parameters:
            if name not in declared:
                hint = suggest(name, declared) or f"its parameters: {shown}"
                raise fail("E218", f"this operator has no parameter `{name}`", expected=shown, actual=name, hint=hint)
        for name in declared:
            if name not in parameters:
                hint = f"give it by name: op(u, {name}=…)"
                raise fail("E218", f"the parameter `{name}` has no value", expected=shown, hint=hint)

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The parameters as arrays, in the order of their declaration."""
        return [check.as_parameter(item.name, parameters[item.name]) for item in self.expanded.parameters]

    def _of_programs(self, fields: Sequence[Program], parameters: Mapping[str, Any]) -> Program:
        """The operator on programs: what they close over, and the parameters, are hidden inputs."""
        joint, captured = self.joint(fields, parameters)
        return replace(self.of_joint(joint), captured=captured)

    def joint(
        self, fields: Sequence[Program], parameters: Mapping[str, Any], extra: Sequence[ArrayType] = ()
    ) -> tuple[Ir, tuple[Any, ...]]:
        """Fields and parameters in one program, and the arrays that are its first inputs; `extra` inputs and those of
        the point follow."""
        count = len(self.expanded.variables)
        firsts = [item.first() for item in fields]
        for item, first in zip(fields, firsts, strict=True):
            self.check_count(first.name, len(first.inputs) - len(item.captured))
        check.check_results([item.name for item in self.expanded.fields], firsts)
        values = self.values(parameters)
        firsts = self._at_common_lengths(firsts, values)
        captured = (*(array for item in fields for array in item.captured), *values)
        own = [slot for first in firsts for slot in first.inputs[: len(first.inputs) - count]]
        given = [ArrayType(str(value.dtype).replace("float", "f").replace("int", "i"), value.shape) for value in values]
        b = Builder(self.name, [*own, *given, *extra, *firsts[0].inputs[-count:]], firsts[0].sizes)
        outputs: list[int] = []
        start, point = 0, len(captured) + len(extra)
        for first in firsts:
            stop = start + len(first.inputs) - count
            outputs += b.inline(first, [*range(start, stop), *range(point, point + count)])
            start = stop
        return b.build([*outputs, *range(start, len(captured))]), captured

    def _at_common_lengths(self, firsts: Sequence[Ir], values: Sequence[Any]) -> list[Ir]:
        """Fields at the same lengths of variables: those that are declared, those of parameters, those that are known,
        else those of the first field."""
        given = lengths_of(self.expanded, [value.shape for value in values])
        lengths = [(name, given.get(str(length), length)) for name, length in variables_of(self.expanded)]
        shapes = [[as_array(slot).shape for slot in first.inputs[-len(lengths) :]] for first in firsts]
        found: list[Ir] = []
        for first, own in zip(firsts, shapes, strict=True):
            sizes: dict[str, Size] = {}
            for number, (_, length) in enumerate(lengths):
                given = [shape[number][0] for shape in shapes if len(shape[number]) == 1]
                known = [length, *(size for size in given if isinstance(size, int)), *given]
                size = next((size for size in known if size is not None and not isinstance(size, str)), None)
                name = str(own[number][0]) if len(own[number]) == 1 else ""
                if name in first.sizes and size is not None and size != variable(name):
                    sizes[name] = size
            found.append(substitute_sizes(first, sizes) if sizes else first)
        return found

    def _of_functions(self, fields: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
        """The operator on functions of JAX, which are traced together, and with the parameters, when it is called."""
        from ._jit import derived

        values, joint = self.values(parameters), self.together(fields)

        def together(*point: Any) -> tuple[Any, ...]:
            return joint(values, point)

        return derived(together, lambda program: self.of_joint(program.first()))

    def together(self, fields: Sequence[Any]) -> Callable[[Sequence[Any], Sequence[Any]], tuple[Any, ...]]:
        """Parameters and a point to the fields there, and the parameters."""
        names = [item.name for item in self.expanded.fields]
        functions = [item.to_jax() if isinstance(item, Program) else item for item in fields]

        def run(values: Sequence[Any], point: Sequence[Any]) -> tuple[Any, ...]:
            self.check_count("the point", len(point))
            check.check_point(variables_of(self.expanded), point)
            results = [check.check_result(*pair) for pair in zip(names, (f(*point) for f in functions), strict=True)]
            return (*results, *values)

        return run

    def check_count(self, name: str, given: int) -> None:
        variables = [item.name for item in self.expanded.variables]
        if given != len(variables):
            message = f"`{name}` has {given} variables"
            hint = f"the fields of this operator are functions of ({', '.join(variables)})"
            raise fail("E217", message, expected=f"{len(variables)}: {', '.join(variables)}", hint=hint)

    def of_joint(self, joint: Ir, passes: Mapping[str, Any] | None = None) -> Program:
        """The operator on the first outputs of a program, whose other outputs are the parameters."""
        self._warn_of_kinks(joint)
        real: Literal["f64", "f32"] = "f32" if as_array(joint.output_types[0]).dtype == "f32" else "f64"
        module = self._module(real)
        return _applied(joint, module.checked.definitions, module.checked.checked.definitions[self.name], passes)

    def _warn_of_kinks(self, joint: Ir) -> None:
        """Warn of fields that are not as smooth as the derivatives that are taken of them (E242)."""
        moving = len(joint.inputs) - len(self.expanded.variables)
        active = [place >= moving for place in range(len(joint.inputs))]
        for number, item in enumerate(self.expanded.fields):
            order = max((atom.total_order for atom in self.expanded.of_field(item.name)), default=0)
            warn_of_kinks(_wire.select_outputs(joint, [number]), active, order, self.name)


def _applied(joint: Ir, definitions: Any, definition: CheckedDef, passes: Mapping[str, Any] | None) -> Program:
    """Close each field over the hidden inputs, call the operator's definition, and make that first-order."""
    scheme, result = definition.scheme, definition.scheme.result
    assert isinstance(result, Fun)
    hidden = len(joint.inputs) - len(result.parameters)
    sizes = _sizes(result.parameters, [as_array(slot) for slot in joint.inputs[hidden:]])
    b = Builder(definition.definition.name, joint.inputs, joint.sizes)
    point = range(hidden, len(joint.inputs))
    slots = b.inline(joint, range(len(joint.inputs)))
    arguments: list[int] = []
    fields = iter(range(len(slots)))
    values = iter(slots[sum(isinstance(type_, Fun) for _, type_ in scheme.parameters) :])
    for _, type_ in scheme.parameters:
        if isinstance(type_, Fun):
            number = next(fields)
            program = _wire.select_outputs(joint, [number])
            function = FunType(program.inputs[hidden:], program.output_types)
            arguments += b.emit(Close(program), range(hidden), (function,))
        else:
            (leaf,) = leaves(substitute_type(type_, {}, sizes))
            slot = next(values)
            if as_array(leaf).shape != b.array_type(slot).shape:
                hint = "parameters have the shapes that the operator declares"
                raise fail(
                    "E218", "a parameter has another shape", expected=str(leaf), actual=str(b.types[slot]), hint=hint
                )
            arguments.append(b.apply("convert", slot, dtype=as_array(leaf).dtype))
    output = substitute_type(result.result, {}, sizes)
    whole = FunType(tuple(b.types[slot] for slot in arguments), leaves(substitute_type(result, {}, sizes)))
    (called,) = b.emit(Function(definition.module, definition.definition.name, (), tuple(sizes.values())), (), (whole,))
    (inner,) = b.emit(Invoke(), (called, *arguments), whole.outputs)
    first = _wire.first_order(b.build(b.emit(Invoke(), (inner, *point), leaves(output))), definitions, {}, passes)
    body = definition.definition.body
    names = [item.name for item in body.parameters] if isinstance(body, ast.Lambda) else []
    types = [substitute_type(item, {}, sizes) for item in result.parameters]
    return Program(replace(first, signature=Signature(tuple(zip(names, types, strict=True)), output)), least=1)


def _sizes(types: Sequence[Type], slots: Sequence[ArrayType]) -> dict[str, Size]:
    """What the open sizes of the variables are, from the inputs of a field; E217 where shapes do not fit."""
    found: dict[str, Size] = {}
    for type_, slot in zip(types, slots, strict=True):
        shape = type_.shape if isinstance(type_, Array) else ()
        if not slot.is_float:
            hint = "derivatives are by floats: let the field take floats"
            raise fail("E217", "a variable of the field is no float", expected="a float", actual=str(slot), hint=hint)
        fits = len(shape) == len(slot.shape)
        for wanted, given in zip(shape, slot.shape, strict=False):
            known = wanted if isinstance(wanted, int) else found.setdefault(str(wanted), given)
            fits = fits and known == given
        if not fits:
            wanted, given = str(list(map(str, shape))), str(list(map(str, slot.shape)))
            hint = 'a vector variable is declared with its length: variables="x[n]"'
            raise fail("E217", "a variable of the field has another shape", expected=wanted, actual=given, hint=hint)
    return found
