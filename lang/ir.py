"""Unary form: the one intermediate representation.

A `Program` is a straight line of `Step`s over absolute slots: the inputs take slots 0, 1, …, and every step appends its
results to the context, as in the unary form of Huot & Shaikhha (2022, arXiv 2212.09801), whose primitives take the
whole context and return it extended. Composition is concatenation and sharing is explicit. Tuples and records exist
only in the `Signature`; in the program they are flattened to arrays.

Bodies (of `Each`, `Fold`, `Branch`, `Close`) are closed programs: a step lists the slots it captures and the body
receives them as its first inputs. Bodies share the size variables of the program they stand in.

Programs have two stages. A first-order program uses `Constant SizeValue Apply Each Fold Branch Call` over array types;
the full stage adds functions and variants: `Function Close Invoke Inject Transform`, and `Branch` on a variant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from .deferred import Deferred, resolved
from .diagnostics import InternalError
from .params import Param, Params, integer, integers, param, sizes
from .sizes import Poly, Size, product
from .source import Span
from .types import Array, Data, Fun, Record, Scalar, SizeType, Tuple, Type

if TYPE_CHECKING:
    pass

# --- types of slots --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArrayType:
    """A dense array; a scalar has shape ``()``. `dtype` is ``f64 f32 i64 bool`` or another NumPy dtype name."""

    dtype: str
    shape: tuple[Size, ...] = ()

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOAT_DTYPES

    @property
    def elements(self) -> Size:
        return product(self.shape)

    def with_shape(self, shape: tuple[Size, ...]) -> ArrayType:
        return ArrayType(self.dtype, shape)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.shape))}]{self.dtype}" if self.shape else self.dtype


@dataclass(frozen=True, slots=True)
class FunType:
    """A function value of the full stage."""

    inputs: tuple[SlotType, ...]
    outputs: tuple[SlotType, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.inputs))}) -> ({', '.join(map(str, self.outputs))})"


@dataclass(frozen=True, slots=True)
class DataType:
    """A variant value of the full stage; its payloads are known to the steps that build and inspect it.

    `tangent` marks the forward-mode twin, whose float fields carry their tangents behind them.
    """

    data: Data
    tangent: int = 0

    def __str__(self) -> str:
        from .types import show_type

        return "T " * self.tangent + show_type(self.data)


SlotType = ArrayType | FunType | DataType


def as_array(type_: SlotType) -> ArrayType:
    """The type of a slot that must hold an array, as all slots of a first-order program do."""
    if not isinstance(type_, ArrayType):
        raise InternalError(f"a slot of type {type_} where an array must stand")
    return type_


FLOAT_DTYPES = frozenset({"f64", "f32", "f16", "bfloat16"})
F64 = ArrayType("f64")
I64 = ArrayType("i64")
BOOL = ArrayType("bool")

# The number of rounds of a while loop without a bound; such loops run and push forward, but cannot be reversed.
UNBOUNDED = 2**62


def leaves(type_: Type) -> tuple[SlotType, ...]:
    """The slots a value of a surface type takes, left to right; arrays of tuples become tuples of arrays."""
    match type_:
        case Scalar(dtype):
            return (ArrayType(dtype),)
        case Array(shape, element):
            inner = leaves(element)
            return tuple(ArrayType(leaf.dtype, shape + leaf.shape) for leaf in inner if isinstance(leaf, ArrayType))
        case Tuple(items):
            return tuple(leaf for item in items for leaf in leaves(item))
        case Record(fields):
            return tuple(leaf for _, item in fields for leaf in leaves(item))
        case Fun(parameters, result):
            inputs = tuple(leaf for item in parameters for leaf in leaves(item))
            return (FunType(inputs, leaves(result)),)
        case Data():
            return (DataType(type_),)
        case SizeType():
            return ()
        case _:
            raise TypeError(f"type variable {type_} has no slots")


# --- operations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal array: the C-order, little-endian bytes of its elements (so that -0.0 and nan compare exactly)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SizeValue:
    """A size as an ``i64`` scalar."""

    size: Size


@dataclass(frozen=True, slots=True)
class Apply:
    """A primitive of `lang.primitives` applied to the operands."""

    primitive: str
    params: Params = ()

    def __getitem__(self, name: str) -> Param:
        return param(self.params, name)

    def integer(self, name: str) -> int:
        """A parameter that is a whole number, such as an axis."""
        return integer(self.params, name)

    def integers(self, name: str) -> tuple[int, ...]:
        """A parameter that is a tuple of whole numbers, such as axes."""
        return integers(self.params, name)

    def sizes(self, name: str) -> tuple[Size, ...]:
        """A parameter that is a tuple of sizes, such as a shape."""
        return sizes(self.params, name)


@dataclass(frozen=True, slots=True)
class Each:
    """Build, map and reduce at once: runs `body` for ``i = 0 … size-1``, independently.

    Operands: `captures` shared slots, then arrays whose leading axis has length `size`.
    Body inputs: captures, one element of each array, the index ``i`` (i64). Each result is combined by ``"stack"``
    (a new leading axis of length `size`) or ``"sum"`` (added up, zero for an empty domain).
    """

    size: Size
    captures: int
    body: Program
    combine: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """A sequential loop over ``i = 0 … size-1`` (downwards if `reverse`).

    Operands: `captures` shared slots, `arrays` arrays with leading axis `size`, then the initial carry.
    Body inputs: captures, one element of each array, the carry, the index (i64). Body outputs: the next carry, then
    extra results combined by ``"stack"`` or ``"sum"`` (stacked at position ``i`` also when running in reverse).
    Results: the final carry, then the combined extras.

    `condition` (captures, carry -> bool) makes it a while loop of at most `size` rounds; it has no arrays and no
    extras. `associative` states that the carry is combined by an associative operation, which licenses parallel
    evaluation. `lean` states that rounds repeat work in order to save memory: passes leave that work in the loop.
    """

    size: Size
    captures: int
    arrays: int
    body: Program
    combine: tuple[str, ...] = ()
    reverse: bool = False
    condition: Program | None = None
    associative: bool = False
    lean: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """Runs one arm. Operands: the selector, then captures.

    A bool selector takes ``arms[0]`` when false and ``arms[1]`` when true; an i64 selector is the number of the arm; a
    variant selector runs the arm of its tag, which receives the payload behind the captures.
    """

    arms: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A first-order program applied to the operands, kept as a unit (it may carry custom rules)."""

    program: Program


@dataclass(frozen=True, slots=True)
class Function:
    """A top-level definition at one instance, as a function value; looked up in a `Definitions`."""

    module: str
    name: str
    types: tuple[Type, ...] = ()
    sizes: tuple[Size, ...] = ()


@dataclass(frozen=True, slots=True)
class Close:
    """A closure of `program` over the operands, which become its first inputs."""

    program: Program


@dataclass(frozen=True, slots=True)
class Invoke:
    """Applies a function value (first operand) to the rest."""


@dataclass(frozen=True, slots=True)
class Inject:
    """A variant value with constructor number `tag` and the operands as payload."""

    tag: int


@dataclass(frozen=True, slots=True)
class Transform:
    """A derivative operator of the language applied to a function value: ``grad``, ``jvp``, ``vjp``, …"""

    kind: str
    params: Params = ()


Op = Constant | SizeValue | Apply | Each | Fold | Branch | Call | Function | Close | Invoke | Inject | Transform


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: reads `operands`, appends one slot per entry of `types`. `origin` is where it came from."""

    op: Op
    operands: tuple[int, ...]
    types: tuple[SlotType, ...]
    origin: Span | None = field(default=None, compare=False, repr=False)


# --- programs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """Named, structured inputs and the structured output of a program; `leaves` of them are its slots."""

    inputs: tuple[tuple[str, Type], ...]
    output: Type


@dataclass(frozen=True, repr=False)
class Program:
    """``inputs -> outputs`` by `steps`; `sizes` names the size variables, `rules` holds custom derivatives by kind."""

    name: str
    sizes: tuple[str, ...]
    inputs: tuple[SlotType, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    rules: tuple[tuple[str, Program | Deferred], ...] = ()
    signature: Signature | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"<program {self.name}: {len(self.inputs)} inputs, {len(self.steps)} steps>"

    @cached_property
    def types(self) -> tuple[SlotType, ...]:
        """The type of every slot."""
        return self.inputs + tuple(type_ for step in self.steps for type_ in step.types)

    @property
    def output_types(self) -> tuple[SlotType, ...]:
        types = self.types
        return tuple(types[slot] for slot in self.outputs)

    def numbered(self) -> Iterator[tuple[int, Step]]:
        """Each step with the slot of its first result."""
        slot = len(self.inputs)
        for step in self.steps:
            yield slot, step
            slot += len(step.types)

    def rule(self, kind: str) -> Program | None:
        """The custom derivative of a kind."""
        found = dict(self.rules).get(kind)
        return None if found is None else resolved(found)

    @property
    def is_simple(self) -> bool:
        """Whether simplifying is known to change nothing (a note on the object, beside its cached hash)."""
        return "simple" in self.__dict__

    def noted_simple(self) -> Program:
        """The same object with that note."""
        self.__dict__["simple"] = True
        return self

    @cached_property
    def _hash(self) -> int:
        return hash((self.sizes, self.inputs, self.steps, self.outputs, self.rules))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def origins(self) -> int:
        """A hash of where the steps, also those of bodies, come from; equality and `digest` leave that out."""
        inner = tuple(body.origins for step in self.steps for body in bodies(step.op))
        return hash((tuple(step.origin for step in self.steps), inner))

    @cached_property
    def digest(self) -> str:
        """A hash of the content (names and spans left out) that is stable between processes."""
        return hashlib.sha256(repr(_content(self)).encode()).hexdigest()


_PLAIN = (int, str, bytes, float, type(None))  # most of what there is


def _content(value: object) -> object:
    """Plain nested tuples that say everything equality sees."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Program):
        parts = (value.sizes, value.inputs, value.steps, value.outputs, value.rules)
        return ("Program", *(_content(part) for part in parts))
    if isinstance(value, Deferred):
        return value.content()
    if isinstance(value, Step):
        return (_content(value.op), value.operands, tuple(str(type_) for type_ in value.types))
    if isinstance(value, tuple):
        return tuple(_content(item) for item in value)
    fields = getattr(value, "__dataclass_fields__", None)
    if fields and not isinstance(value, Poly):
        return (type(value).__name__, *(_content(getattr(value, name)) for name in fields))
    return str(value) if isinstance(value, Poly) else value


def bodies(op: Op) -> tuple[Program, ...]:
    """The programs inside an operation, in a fixed order."""
    match op:
        case Apply() | Constant() | SizeValue():  # most steps
            return ()
        case Each() | Fold(condition=None):
            return (op.body,)
        case Fold(condition=condition) if condition is not None:
            return (op.body, condition)
        case Branch(arms):
            return arms
        case Call(program) | Close(program):
            return (program,)
        case _:
            return ()


def with_bodies(op: Op, programs: tuple[Program, ...]) -> Op:
    """The same operation with its programs replaced, in the order of `bodies`."""
    match op:
        case Each() | Fold(condition=None):
            return replace(op, body=programs[0])
        case Fold():
            return replace(op, body=programs[0], condition=programs[1])
        case Branch():
            return Branch(programs)
        case Call():
            return Call(programs[0])
        case Close():
            return Close(programs[0])
        case _:
            return op


def without_rules(program: Program) -> Program:
    """The program with all custom derivatives removed, so that derivatives are those of the bodies."""
    steps = tuple(
        replace(step, op=with_bodies(step.op, tuple(without_rules(body) for body in bodies(step.op))))
        for step in program.steps
    )
    return replace(program, steps=steps, rules=())
