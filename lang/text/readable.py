"""Programs as people would write them: a first-order program enters, a text in the manner of the language leaves.

The text is for reading. Inputs keep their names, every step that is used once and short stands where it is used, and
what a step shares with others gets a name. `print_ir` writes the exact form, which can be read back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..constants import constant_value
from ..ir import Apply, ArrayType, Branch, Call, Constant, Each, Fold, Program, SizeValue, SlotType, Step
from ..sizes import show
from ..types import Record, SizeType, Tuple, Type, show_type

WIDTH = 72  # longer expressions get a name
MOST_ELEMENTS = 8  # longer literals are abbreviated
INDENT = "  "

_INFIX: Mapping[str, tuple[str, int]] = {
    "logical_or": ("or", 1),
    "logical_and": ("and", 2),
    "eq": ("==", 3),
    "ne": ("!=", 3),
    "lt": ("<", 3),
    "le": ("<=", 3),
    "gt": (">", 3),
    "ge": (">=", 3),
    "add": ("+", 4),
    "sub": ("-", 4),
    "mul": ("*", 5),
    "div": ("/", 5),
    "floordiv": ("//", 5),
    "mod": ("%", 5),
}
_PREFIX, _POWER, _ATOM = 6, 7, 9
_SILENT = ("proved", "partials")  # parameters that do not change the value


@dataclass(frozen=True, slots=True)
class _Text:
    """An expression and how tightly its outermost operator binds."""

    text: str
    binds: int = _ATOM

    def within(self, level: int) -> str:
        return self.text if self.binds >= level else f"({self.text})"

    def stays(self, uses: int) -> bool:
        """Whether it stands where it is read, so often, instead of getting a name."""
        return len(self.text) <= (WIDTH if uses <= 1 else 12) and (uses <= 1 or self.binds == _ATOM)


def readable(program: Program) -> str:
    """The text of a program.

    >>> from ..builder import body
    >>> f64 = ArrayType("f64")
    >>> print(readable(body("f", [f64], lambda b, x: [b.apply("sin", b.apply("mul", x[0], x[0]))])))
    def f(x0: f64): f64 =
      sin(x0 * x0)
    """
    names = _input_names(program)
    inputs = ", ".join(f"{name}: {_shown(type_)}" for name, type_ in _parameters(program, names))
    outputs = program.output_types
    result = ", ".join(map(_shown, outputs))
    if program.signature is not None:
        result = show_type(program.signature.output)
    elif len(outputs) != 1:
        result = f"({result})"
    lines = _Writer(Counter([*names, *program.sizes])).body(program, names, INDENT)
    return "\n".join([f"def {program.name or 'program'}({inputs}): {result} =", *lines])


def _parameters(program: Program, names: Sequence[str]) -> Iterator[tuple[str, SlotType | Type]]:
    if program.signature is None:
        yield from zip(names, program.inputs, strict=True)
        return
    hidden = len(program.inputs) - sum(len(_paths(name, type_)) for name, type_ in program.signature.inputs)
    yield from zip(names[:hidden], program.inputs[:hidden], strict=True)
    yield from program.signature.inputs


def _shown(type_: SlotType | Type) -> str:
    return str(type_) if isinstance(type_, ArrayType) else show_type(type_)  # type: ignore[arg-type]


def _input_names(program: Program) -> list[str]:
    """A name per input slot; arrays that the function closes over come first."""
    if program.signature is None:
        return [f"x{k}" for k in range(len(program.inputs))]
    named = [path for name, type_ in program.signature.inputs for path in _paths(name, type_)]
    return [f"captured{k}" for k in range(len(program.inputs) - len(named))] + named


def _paths(name: str, type_: Type) -> list[str]:
    match type_:
        case Tuple(items):
            return [path for k, item in enumerate(items) for path in _paths(f"{name}.{k}", item)]
        case Record(fields):
            return [path for key, item in fields for path in _paths(f"{name}.{key}", item)]
        case SizeType():
            return []
        case _:
            return [name]


@dataclass
class _Writer:
    """Writes bodies; `taken` counts names in use, so that new ones differ."""

    taken: Counter[str]
    number: int = 0
    lines: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """The next unused name: a, b, …, z, a1, …"""
        while True:
            turn, letter = divmod(self.number, 26)
            self.number += 1
            name = chr(ord("a") + letter) + (str(turn) if turn else "")
            if name not in self.taken:
                self.taken[name] += 1
                return name

    def body(self, program: Program, names: Sequence[str], indent: str) -> list[str]:
        """The lines of a program whose inputs have these names; the last one is its result."""
        uses = Counter(slot for step in program.steps for slot in step.operands) + Counter(program.outputs)
        known = [_Text(name) for name in names]
        lines: list[str] = []
        for first, step in program.numbered():
            operands = [known[slot] for slot in step.operands]
            written = self.step(step, operands, indent)
            if isinstance(written, _Text) and len(step.types) == 1 and written.stays(uses[first]):
                known.append(written)
                continue
            new = [self.fresh() for _ in step.types]
            target = new[0] if len(new) == 1 else f"({', '.join(new)})"
            if isinstance(written, _Text):
                lines.append(f"{indent}let {target} = {written.text}")
            else:
                lines += [f"{indent}let {target} ={' ' if written[0] else ''}{written[0]}", *written[1:]]
            known.extend(_Text(name) for name in new)
        results = [known[slot] for slot in program.outputs]
        result = results[0].text if len(results) == 1 else f"({', '.join(item.text for item in results)})"
        return [*lines, f"{indent}{'in ' if lines else ''}{result}"]

    def step(self, step: Step, operands: list[_Text], indent: str) -> _Text | list[str]:
        """One step as an expression, or as lines for loops and branches."""
        match step.op:
            case Constant() as op:
                return _literal(op, step.types[0])
            case SizeValue(size):
                return _Text(show(size))
            case Apply() as op:
                return _apply(op, operands, step.types[0])
            case Call(program):
                return _Text(f"{program.name}({', '.join(item.text for item in operands)})")
            case Each() as op:
                return self.each(op, operands, indent)
            case Fold() as op:
                return self.fold(op, operands, indent)
            case Branch() as op:
                return self.branch(op, operands, indent)
            case op:
                return _Text(f"{type(op).__name__.lower()}({', '.join(item.text for item in operands)})")

    def each(self, op: Each, operands: list[_Text], indent: str) -> list[str]:
        index = self.fresh()
        elements = [f"{item.within(_ATOM)}[{index}]" for item in operands[op.captures :]]
        inner = [item.text for item in operands[: op.captures]]
        how = "" if set(op.combine) == {"stack"} else f" -- {', '.join(op.combine)}"
        lines = self.body(op.body, [*inner, *elements, index], indent + INDENT)
        return [f"for {index} < {show(op.size)} =>{how}", *lines]

    def fold(self, op: Fold, operands: list[_Text], indent: str) -> list[str]:
        index = self.fresh()
        split = op.captures + op.arrays
        elements = [f"{item.within(_ATOM)}[{index}]" for item in operands[op.captures : split]]
        carry = [self.fresh() for _ in operands[split:]]
        start = ", ".join(f"{name} = {item.text}" for name, item in zip(carry, operands[split:], strict=True))
        shared = [item.text for item in operands[: op.captures]]
        head = f"{'scan' if op.combine else 'loop'} {start} "
        if op.condition is not None:
            (*_, test) = self.body(op.condition, [*shared, *carry], "")
            head += f"while {test.removeprefix('in ')} do"
        else:
            head += f"for {index} < {show(op.size)}{' downwards' if op.reverse else ''} do"
        return [head, *self.body(op.body, [*shared, *elements, *carry, index], indent + INDENT)]

    def branch(self, op: Branch, operands: list[_Text], indent: str) -> list[str]:
        shared = [item.text for item in operands[1:]]
        arms = [self.body(arm, shared, indent + 2 * INDENT) for arm in op.arms]
        if len(arms) == 2:
            head = f"{indent}{INDENT}if {operands[0].text} then"
            return ["", head, *arms[1], f"{indent}{INDENT}else", *arms[0]]
        lines = ["", f"{indent}{INDENT}case {operands[0].text} of"]
        for number, arm in enumerate(arms):
            lines += [f"{indent}{INDENT}{number} =>", *arm]
        return lines


def _literal(op: Constant, type_: SlotType) -> _Text:
    assert isinstance(type_, ArrayType)
    value = constant_value(op, type_)
    if not type_.shape:
        text = str(value.item()).lower() if type_.dtype == "bool" else repr(value.item())
        return _Text(text, _ATOM if not text.startswith("-") else _PREFIX)
    if value.size <= MOST_ELEMENTS:
        return _Text(str(value.tolist()))
    return _Text(f"literal{list(value.shape)}")


def _apply(op: Apply, operands: list[_Text], type_: SlotType) -> _Text:
    if op.primitive in _INFIX:
        sign, level = _INFIX[op.primitive]
        left, right = operands
        return _Text(f"{left.within(level)} {sign} {right.within(level + 1)}", level)
    special = _SPECIAL.get(op.primitive)
    if special is not None:
        return special(op, operands, type_)
    named = [f"{name}={_param(value)}" for name, value in op.params if name not in _SILENT]
    return _Text(f"{op.primitive}({', '.join([*(item.text for item in operands), *named])})")


def _param(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_param, value))}]"
    return repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _neg(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    return _Text(f"-{x[0].within(_POWER)}", _PREFIX)


def _power(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    exponent = str(op["exponent"]) if op.primitive == "integer_pow" else x[1].within(_POWER)
    return _Text(f"{x[0].within(_POWER + 1)}^{exponent}", _POWER)


def _not(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    return _Text(f"not {x[0].within(_PREFIX)}", _PREFIX)


def _choose(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    return _Text(f"where({x[0].text}, {x[1].text}, {x[2].text})")


def _read(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    return _Text(f"{x[0].within(_ATOM)}[{', '.join(item.text for item in x[1:])}]")


def _convert(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    return _Text(f"{op['dtype']}({x[0].text})")


def _broadcast(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
    shape, axes = op["shape"], op["axes"]
    if not axes:
        return _Text(f"fill({x[0].text}, {_param(shape)})")
    return _Text(f"broadcast({x[0].text}, {_param(shape)}, axes={_param(axes)})")


def _reduction(name: str) -> Callable[[Apply, list[_Text], SlotType], _Text]:
    def write(op: Apply, x: list[_Text], type_: SlotType) -> _Text:
        whole = isinstance(type_, ArrayType) and not type_.shape
        return _Text(f"{name}({x[0].text})" if whole else f"{name}({x[0].text}, axes={_param(op['axes'])})")

    return write


_SPECIAL: Mapping[str, Callable[[Apply, list[_Text], SlotType], _Text]] = {
    "neg": _neg,
    "integer_pow": _power,
    "pow": _power,
    "logical_not": _not,
    "where": _choose,
    "gather": _read,
    "convert": _convert,
    "broadcast": _broadcast,
    "reduce_sum": _reduction("sum"),
    "reduce_max": _reduction("max"),
    "reduce_min": _reduction("min"),
    "reduce_prod": _reduction("product"),
    "reduce_all": _reduction("all"),
    "reduce_any": _reduction("any"),
}
