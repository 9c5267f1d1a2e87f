"""The surface tree: what a `.pf` text says, before it has a meaning.

Every node carries the `span` it was read from, outside equality, so that two texts with the same tree compare equal.
The formatter prints this tree, the checker types it and the elaborator turns it into unary form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Common part: where the node stands."""

    span: Span = field(compare=False, repr=False)


# --- expressions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Integer(Node):
    """``3``: takes the numeric type its place demands."""

    value: int


@dataclass(frozen=True, slots=True)
class Decimal(Node):
    """``3.0``, ``1e-3``: a float; `text` is kept so that nothing is rounded before the type is known."""

    text: str


@dataclass(frozen=True, slots=True)
class Bool(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Tuple(Node):
    """``()`` or two and more items; parentheses around one expression leave no node."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Record(Node):
    fields: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """An actual argument; `name` is set for ``name = value``."""

    name: str | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    function: Expr
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """``low:high`` inside an index; either end may be absent."""

    low: Expr | None
    high: Expr | None


@dataclass(frozen=True, slots=True)
class Index(Node):
    base: Expr
    indices: tuple[Expr | Slice, ...]


@dataclass(frozen=True, slots=True)
class Project(Node):
    """``e.name`` of a record or module alias, ``e.0`` of a tuple."""

    base: Expr
    field: str | int


@dataclass(frozen=True, slots=True)
class Prime(Node):
    """``u'``: the derivative of a function of one variable."""

    base: Expr


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`operator` is ``-`` or ``not``."""

    operator: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`operator` is one of ``+ - * / // % @ ^ < <= > >= == != and or``."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Update(Node):
    """``base with [i] = v`` (indices set) or ``base with .name = v`` (field set)."""

    base: Expr
    indices: tuple[Expr | Slice, ...]
    field: str | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Block(Node):
    """``let … let … in body``."""

    binds: tuple[Bind, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    parameters: tuple[Parameter, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Range(Node):
    """``i < n``."""

    name: str
    size: Expr


@dataclass(frozen=True, slots=True)
class For(Node):
    ranges: tuple[Range, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """``loop p = e for i < n do e`` (final state) or ``scan …`` (`stacked`: all states after each step)."""

    pattern: Pattern
    initial: Expr
    range: Range
    body: Expr
    stacked: bool


@dataclass(frozen=True, slots=True)
class While(Node):
    """``loop p = e while c limit k do e``: at most `limit` rounds."""

    pattern: Pattern
    initial: Expr
    condition: Expr
    limit: Expr
    body: Expr


@dataclass(frozen=True, slots=True)
class Integral(Node):
    name: str
    domain: Expr
    body: Expr


@dataclass(frozen=True, slots=True)
class Arm(Node):
    pattern: Pattern
    body: Expr


@dataclass(frozen=True, slots=True)
class Match(Node):
    subject: Expr
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Partials(Node):
    """Derivatives of a function at a point, as a tuple; operators become these, no text does.

    `atoms` are texts of `differential.atoms`, `weights` the matrices that some of them sum with.
    """

    function: Expr
    point: tuple[Name, ...]
    atoms: tuple[str, ...]
    weights: tuple[Expr, ...]


Expr = (
    Name | Integer | Decimal | Bool | Tuple | Record | ArrayLiteral | Call | Index | Project | Prime | Unary | Binary
    | Update | Block | Lambda | If | For | Loop | While | Integral | Match | Partials
)  # fmt: skip


# --- binds and patterns ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Let(Node):
    pattern: Pattern
    annotation: TypeExpr | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Draw(Node):
    pattern: Pattern
    value: Expr


@dataclass(frozen=True, slots=True)
class Observe(Node):
    value: Expr
    distribution: Expr


@dataclass(frozen=True, slots=True)
class Score(Node):
    value: Expr


Bind = Let | Draw | Observe | Score


@dataclass(frozen=True, slots=True)
class PatternName(Node):
    """Binds a name; ``_`` binds nothing."""

    name: str


@dataclass(frozen=True, slots=True)
class PatternTuple(Node):
    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class PatternRecord(Node):
    """``{a, b}`` binds each field under its own name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PatternConstructor(Node):
    name: str
    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class PatternNumber(Node):
    value: int


Pattern = PatternName | PatternTuple | PatternRecord | PatternConstructor | PatternNumber


# --- types -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """``f64``, a type variable, ``Tree[a]``, ``size``."""

    name: str
    arguments: tuple[TypeExpr, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeArray(Node):
    sizes: tuple[Expr, ...]
    element: TypeExpr


@dataclass(frozen=True, slots=True)
class TypeTuple(Node):
    items: tuple[TypeExpr, ...]


@dataclass(frozen=True, slots=True)
class TypeRecord(Node):
    fields: tuple[tuple[str, TypeExpr], ...]


@dataclass(frozen=True, slots=True)
class TypeFunction(Node):
    """``a -> b``; several parameters are a `TypeTuple` on the left."""

    parameter: TypeExpr
    result: TypeExpr


@dataclass(frozen=True, slots=True)
class TypeMeasure(Node):
    """``P a`` (probability) or ``M a`` (measure)."""

    kind: str
    carrier: TypeExpr


@dataclass(frozen=True, slots=True)
class TypeField(Node):
    """``field(low, high)``."""

    bounds: tuple[Expr, ...]


TypeExpr = TypeName | TypeArray | TypeTuple | TypeRecord | TypeFunction | TypeMeasure | TypeField


# --- items -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Generic(Node):
    """``n`` (a size) or ``a: type``."""

    name: str
    is_type: bool


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    name: str
    annotation: TypeExpr | None


@dataclass(frozen=True, slots=True)
class Rule(Node):
    """``with vjp g``: `kind` is ``jvp``, ``vjp`` or ``jet``."""

    kind: str
    function: str


@dataclass(frozen=True, slots=True)
class Import(Node):
    path: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class Def(Node):
    """A definition; `keyword` is ``def``, ``operator``, ``functional`` or ``model``, `fields` the unknowns."""

    name: str
    generics: tuple[Generic, ...]
    parameters: tuple[Parameter, ...]
    result: TypeExpr | None
    rules: tuple[Rule, ...]
    body: Expr
    keyword: str = "def"
    fields: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Constructor(Node):
    name: str
    items: tuple[TypeExpr, ...]


@dataclass(frozen=True, slots=True)
class Data(Node):
    name: str
    generics: tuple[Generic, ...]
    constructors: tuple[Constructor, ...]


@dataclass(frozen=True, slots=True)
class Check(Node):
    """``check e`` (a bool) or ``check e ~= expected [within tolerance]``."""

    value: Expr
    expected: Expr | None
    tolerance: Expr | None


@dataclass(frozen=True, slots=True)
class Dot(Node):
    """``dot f at args``: <u, J v> = <Jᵀ u, v>."""

    function: Expr
    point: Expr


@dataclass(frozen=True, slots=True)
class Cost(Node):
    """``cost f [at args] <= bound``: flops(value and gradient) / flops(value)."""

    function: Expr
    point: Expr | None
    bound: Expr


@dataclass(frozen=True, slots=True)
class Fails(Node):
    """``fails "E012" e``: checking or running `e` gives that diagnostic."""

    code: str
    value: Expr


Claim = Check | Dot | Cost | Fails


@dataclass(frozen=True, slots=True)
class Test(Node):
    name: str
    claims: tuple[Claim, ...]


Item = Import | Def | Data | Test


@dataclass(frozen=True, slots=True)
class Tree(Node):
    """A whole text."""

    items: tuple[Item, ...]
