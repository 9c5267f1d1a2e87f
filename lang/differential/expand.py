"""Operators as functions of finitely many partial derivatives.

In: the tree of an ``operator`` item. Out: the same expression over names of `Atom`s, with every derivative of a
product, a function or a flux written out. Subscripts are read letter by letter: ``u_xxt`` is two derivatives by x and
one by t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..diagnostics import fail, suggest
from ..source import Span
from ..surface import ast
from .atoms import MOST_ORDER, Atom
from .calculus import Calculus
from .trees import apply, binary, called, function_of, mapped, names, negated, plus, walk

WORDS = ("partial", "grad", "div", "laplacian", "biharmonic", "hessian", "trace", "sum")


@dataclass(frozen=True, slots=True)
class Expanded:
    """An operator: `body` is an expression over variables, parameters and the names of `atoms`.

    `weights` are the matrices of `weighted` atoms, per field in the order of their numbers.
    """

    name: str
    fields: tuple[ast.Parameter, ...]
    parameters: tuple[ast.Parameter, ...]
    variables: tuple[ast.Parameter, ...]
    body: ast.Expr
    atoms: tuple[Atom, ...]
    weights: tuple[tuple[str, tuple[ast.Expr, ...]], ...]

    def of_field(self, field: str) -> tuple[Atom, ...]:
        """The atoms of one field."""
        return tuple(atom for atom in self.atoms if atom.field == field)


def expand(definition: ast.Def) -> Expanded:
    """The operator that an item defines; raises E215 to E217, E219 and E220."""
    fields = tuple(item for item in definition.fields if item.annotation is None)
    parameters = tuple(item for item in definition.fields if item.annotation is not None)
    return _Expansion(definition, fields, parameters).run()


class _Expansion:
    """State of one expansion."""

    def __init__(
        self, definition: ast.Def, fields: tuple[ast.Parameter, ...], parameters: tuple[ast.Parameter, ...]
    ) -> None:
        self.definition, self.fields, self.parameters = definition, fields, parameters
        self.variables = {item.name: item for item in definition.parameters}
        self.calculus = Calculus(self.variables)
        self.field_names = {item.name for item in fields}
        self.weights: dict[str, list[ast.Expr]] = {item.name: [] for item in fields}

    def run(self) -> Expanded:
        self._check_names()
        body = self.expand(self.definition.body)
        mentioned = names(body)
        for matrices in self.weights.values():
            for matrix in matrices:
                mentioned |= names(matrix)
        atoms = tuple(atom for name, atom in self.calculus.atoms.items() if name in mentioned)
        weights = tuple((name, tuple(matrices)) for name, matrices in self.weights.items())
        return Expanded(
            self.definition.name, self.fields, self.parameters, tuple(self.variables.values()), body, atoms, weights
        )

    def _check_names(self) -> None:
        """Fields, parameters and variables differ, and no name inside the body hides one of them."""
        declared = [*self.fields, *self.parameters, *self.definition.parameters]
        seen: set[str] = set()
        for item in declared:
            if item.name in seen:
                raise fail("E050", f"`{item.name}` is declared twice", item.span, hint="give one of them another name")
            seen.add(item.name)
        if not self.fields or not self.variables:
            message = f"the operator `{self.definition.name}` has no {'variables' if self.fields else 'field'}"
            raise fail("E220", message, self.definition.span, hint="write `operator name(u)(x, t) = u_t + u_xx`")
        for name, span in _bound(self.definition.body):
            if name in seen or self._subscript(name) is not None:
                message = f"`{name}` hides the {'derivative' if name not in seen else 'name'} of the same name"
                raise fail("E220", message, span, hint="give the local another name")

    # --- expressions ------------------------------------------------------------------------------

    def expand(self, node: ast.Expr) -> ast.Expr:
        """An expression of the text, over atoms."""
        match node:
            case ast.Name(name=name):
                return self._name(node, name)
            case ast.Call(function=ast.Name(name=name)) if name in self.field_names:
                return self._applied(node, name)
            case ast.Call(function=ast.Name(name=word), arguments=arguments) if word in WORDS and arguments:
                return self._word(node, word)
            case _:
                return mapped(node, self.expand)

    def _name(self, node: ast.Name, name: str) -> ast.Expr:
        if name in self.field_names:
            return self.calculus.atom(Atom(name), node.span)
        if name in self.variables or any(name == item.name for item in self.parameters):
            return node
        found = self._subscript(name)
        if found is None:
            return node
        field, letters = found
        atom = Atom(field)
        for place, letter in enumerate(letters):
            self._scalar(letter, _letter(node, len(field) + 1 + place), f"in `{name}`")
            atom = atom.along(letter, tuple(self.variables))
        return self.calculus.atom(atom, node.span)

    def _subscript(self, name: str) -> tuple[str, str] | None:
        """Field and letters of ``u_xt``; None for any other name."""
        field, _, letters = name.rpartition("_")
        return (field, letters) if letters and field in self.field_names else None

    def _scalar(self, letter: str, span: Span, where: str) -> None:
        """E215 for a variable that is not declared, E219 for one that is a vector."""
        if letter not in self.variables:
            declared = ", ".join(self.variables)
            advice = suggest(letter, self.variables) or f"add it to the variables: `({declared}, {letter})`"
            raise fail(
                "E215", f"there is no variable `{letter}` {where}", span, expected=declared, actual=letter, hint=advice
            )
        if self.calculus.is_vector(letter):
            hint = f"write `partial(u, {letter}[i], k)`, `grad(u)` or `laplacian(u)`"
            raise fail("E219", f"`{letter}` is a vector: a subscript needs a scalar variable", span, hint=hint)

    def _applied(self, node: ast.Call, name: str) -> ast.Expr:
        """``u(x, t)`` is the field itself."""
        given = [argument.value for argument in node.arguments]
        wanted = ", ".join(self.variables)
        if len(given) != len(self.variables):
            message = f"the field `{name}` is a function of {len(self.variables)} variables, not {len(given)}"
            raise fail("E217", message, node.span, expected=f"{name}({wanted})", hint=f"write `{name}` alone")
        if [item.name if isinstance(item, ast.Name) else "" for item in given] != list(self.variables):
            message = f"`{name}` is taken at the point of the operator only"
            raise fail("E220", message, node.span, expected=f"{name}({wanted})", hint=f"write `{name}` alone")
        return self.calculus.atom(Atom(name), node.span)

    # --- words ------------------------------------------------------------------------------------

    def _word(self, node: ast.Call, word: str) -> ast.Expr:
        subject = self.expand(node.arguments[0].value)
        rest = [argument.value for argument in node.arguments[1:]]
        if not self.calculus.mentions_fields(subject):
            if word in ("partial", "div", "biharmonic"):
                raise self.calculus.refused(f"`{word}` of an expression without fields", node)
            return mapped(node, self.expand)
        match word:
            case "partial":
                found = self._partial(node, subject, rest)
            case "sum":
                found = self._sum(node, subject) if not rest else None
            case "trace":
                found = self._trace(node, subject) if not rest else None
            case _:
                found = self._spatial(node, word, subject, rest)
        return found if found is not None else ast.Decimal("0.0", span=node.span)

    def _spatial(self, node: ast.Call, word: str, subject: ast.Expr, rest: list[ast.Expr]) -> ast.Expr | None:
        """``grad(u)``, ``div(f)``, ``laplacian(u)``, ``biharmonic(u)``, ``hessian(u)``; variables may follow."""
        given = [self._variable(item) for item in rest]
        calculus = self.calculus
        vectors = [name for name in self.variables if calculus.is_vector(name)]
        if given and not any(calculus.is_vector(name) for name in given) and word in ("laplacian", "biharmonic"):
            found: ast.Expr | None = subject
            for _ in range(1 if word == "laplacian" else 2):
                found = self._sum_of_second(found, given)
            return found
        chosen = given or vectors
        if len(chosen) != 1 or not calculus.is_vector(chosen[0]):
            shown = ", ".join(list(self.variables)[:2])
            hint = f"name them: `laplacian(u, {shown})` over scalars, `grad(u, x)` over a vector"
            message = f"`{word}` over which variables?" if len(chosen) != 1 else f"`{word}` is over a vector variable"
            raise fail("E220", message, node.span, actual=f"vectors: {', '.join(vectors) or 'none'}", hint=hint)
        (variable,) = chosen
        match word:
            case "grad":
                return calculus.gradient(subject, variable)
            case "div":
                return self._divergence(subject, variable)
            case "hessian":
                return self._hessian(node, subject, variable)
            case _:
                once = calculus.laplacian(subject, variable)
                return once if word == "laplacian" or once is None else calculus.laplacian(once, variable)

    def _sum_of_second(self, node: ast.Expr | None, variables: list[str]) -> ast.Expr | None:
        total: ast.Expr | None = None
        for name in variables if node is not None else ():
            once = self.calculus.along(node, name) if node is not None else None
            total = plus(total, None if once is None else self.calculus.along(once, name))
        return total

    def _variable(self, node: ast.Expr) -> str:
        name = node.name if isinstance(node, ast.Name) else node.span.text
        if name not in self.variables:
            hint = suggest(name, self.variables) or f"the variables are {', '.join(self.variables)}"
            raise fail("E215", f"there is no variable `{name}`", node.span, hint=hint)
        return name

    def _divergence(self, subject: ast.Expr, variable: str) -> ast.Expr | None:
        """A matrix in front of a gradient becomes a weighted sum; the rest is the calculus."""
        if isinstance(subject, ast.Binary) and subject.operator == "@":
            atom = self.calculus.of(subject.right)
            if atom is not None and atom.kind == "gradient" and not self.calculus.mentions_fields(subject.left):
                weighted = self._weighted(replace(atom, kind="value", variable="", order=0), subject.left, variable)
                return self._with_slope(weighted, subject.left, subject.right, variable)
        if isinstance(subject, ast.Binary) and subject.operator in ("+", "-") and _has_matrix(subject):
            right = self._divergence(subject.right, variable)
            return plus(self._divergence(subject.left, variable), right if subject.operator == "+" else negated(right))
        return self.calculus.divergence(subject, variable)

    def _with_slope(self, weighted: ast.Expr, matrix: ast.Expr, gradient: ast.Expr, variable: str) -> ast.Expr:
        """``div(C @ grad(u))``: where C depends on the variable, its row-wise divergence meets the gradient."""
        if variable not in names(matrix):
            return weighted
        span, parameter = matrix.span, self.variables[variable]
        jacobian = called("jacobian", function_of(parameter, matrix), span=span)
        at = apply(jacobian, ast.Name(variable, span=span), span=span)
        i, j = (ast.Name(name, span=span) for name in ("@i", "@j"))
        entry = ast.Index(at, (i, j, i), span=span)
        size = _size(parameter)
        rows = ast.For((ast.Range("@i", size, span=span),), entry, span=span)
        slope = ast.For((ast.Range("@j", size, span=span),), called("sum", rows, span=span), span=span)
        return binary("+", weighted, binary("@", slope, gradient))

    def _weighted(self, atom: Atom, matrix: ast.Expr, variable: str) -> ast.Expr:
        matrices = self.weights[atom.field]
        if matrix not in matrices:
            matrices.append(matrix)
        found = replace(atom, kind="weighted", variable=variable, order=matrices.index(matrix))
        return self.calculus.atom(found, matrix.span)

    def _hessian(self, node: ast.Call, subject: ast.Expr, variable: str) -> ast.Expr:
        atom = self.calculus.of(subject)
        if atom is None or atom.kind != "value":
            raise self.calculus.refused("`hessian` takes a field or a derivative of one by scalars", node)
        return self.calculus.atom(replace(atom, kind="hessian", variable=variable, order=2), node.span)

    def _trace(self, node: ast.Call, subject: ast.Expr) -> ast.Expr:
        """``trace(C @ hessian(u))`` is a weighted sum, ``trace(hessian(u))`` the Laplacian."""
        atom = self.calculus.of(subject)
        matrix: ast.Expr | None = None
        if atom is None and isinstance(subject, ast.Binary) and subject.operator == "@":
            left, right = self.calculus.of(subject.left), self.calculus.of(subject.right)
            atom, matrix = (right, subject.left) if right is not None else (left, subject.right)
        if atom is None or atom.kind != "hessian" or (matrix is not None and self.calculus.mentions_fields(matrix)):
            return called("trace", subject, span=node.span)
        plain = replace(atom, kind="value", variable="", order=0)
        if matrix is not None:
            return self._weighted(plain, matrix, atom.variable)
        return self.calculus.atom(replace(plain, kind="laplacian", variable=atom.variable, order=1), node.span)

    def _partial(self, node: ast.Call, subject: ast.Expr, rest: list[ast.Expr]) -> ast.Expr | None:
        """``partial(e, t)``, ``partial(e, t, k)``, ``partial(u, x[i], k)``."""
        order = rest[1] if len(rest) == 2 else None
        if not 1 <= len(rest) <= 2 or (order is not None and not isinstance(order, ast.Integer)):
            hint = "write `partial(u, t)`, `partial(u, t, 2)` or `partial(u, x[i], 2)`"
            raise fail("E220", "`partial` takes an expression, a variable and an order", node.span, hint=hint)
        count = order.value if isinstance(order, ast.Integer) else 1
        if not 1 <= count <= MOST_ORDER:
            message = f"`partial` of order {count}"
            raise fail("E216", message, node.span, expected=f"1 to {MOST_ORDER}", hint="split the operator")
        place = rest[0]
        if isinstance(place, ast.Index) and len(place.indices) == 1:
            return self._coordinate(node, subject, place, count)
        variable = self._variable(place)
        self._scalar(variable, place.span, "to differentiate by")
        found: ast.Expr | None = subject
        for _ in range(count):
            found = None if found is None else self.calculus.along(found, variable)
        return found

    def _coordinate(self, node: ast.Call, subject: ast.Expr, place: ast.Index, count: int) -> ast.Expr:
        """``partial(u, x[i], k)``; two different coordinates, one after the other, are an entry of the Hessian."""
        variable = self._variable(place.base)
        if not self.calculus.is_vector(variable):
            raise fail(
                "E219", f"`{variable}` is a scalar: it has no coordinates", place.span, hint=f"write `{variable}`"
            )
        if isinstance(subject, ast.Index) and count == 1:
            first = self.calculus.of(subject.base)
            if first is not None and first.kind == "gradient" and first.variable == variable:
                both = self.calculus.atom(replace(first, kind="hessian", order=2), node.span)
                return ast.Index(both, (*subject.indices, *place.indices), span=node.span)
        atom = self.calculus.of(subject)
        if atom is None or atom.kind != "value":
            raise self.calculus.refused("`partial` along a coordinate takes a field or a derivative by scalars", node)
        kind = "gradient" if count == 1 else "diagonal"
        whole = self.calculus.atom(replace(atom, kind=kind, variable=variable, order=count), node.span)
        return ast.Index(whole, place.indices, span=node.span)

    def _sum(self, node: ast.Call, subject: ast.Expr) -> ast.Expr:
        """``sum(for i < n => partial(u, x[i], k))`` is one atom, any other sum stays a sum."""
        match subject:
            case ast.For(ranges=(one,), body=ast.Index(base=base, indices=(ast.Name(name=index),))) if (
                index == one.name
            ):
                atom = self.calculus.of(base)
                whole = (
                    atom is not None and atom.kind == "diagonal" and _size(self.variables[atom.variable]) == one.size
                )
                if atom is not None and whole:
                    kind, order = ("laplacian", 1) if atom.order == 2 else ("power", atom.order)
                    return self.calculus.atom(replace(atom, kind=kind, order=order), node.span)
            case _:
                pass
        return called("sum", subject, span=node.span)


def _bound(node: ast.Expr) -> Iterator[tuple[str, Span]]:
    """The names that binders inside an expression bind."""
    for item in walk(node):
        match item:
            case ast.PatternName(name=name) | ast.Range(name=name) | ast.Parameter(name=name):
                yield name, item.span
            case ast.PatternRecord(names=found):
                yield from ((name, item.span) for name in found)
            case _:
                continue


def _letter(node: ast.Name, place: int) -> Span:
    """One letter of a name."""
    return replace(node.span, start=node.span.start + place, end=node.span.start + place + 1)


def _size(parameter: ast.Parameter) -> ast.Expr:
    """The length of a vector variable."""
    annotation = parameter.annotation
    assert isinstance(annotation, ast.TypeArray)
    return annotation.sizes[0]


def _has_matrix(node: ast.Expr) -> bool:
    return any(isinstance(item, ast.Binary) and item.operator == "@" for item in walk(node))
