"""The rules of differentiation on expressions of an operator: sums, products, quotients, powers, the chain rule.

In: an expression over atoms, variables and parameters, and a variable. Out: its derivative, again over atoms; None is
zero. Coefficients without fields are left to the derivative words of the language. What the rules do not cover is E220.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..diagnostics import DiagnosticError, fail
from ..source import Span
from ..surface import ast
from .atoms import MOST_ORDER, Atom
from .trees import apply, binary, called, function_of, names, negated, plus, times, walk

MOST_NODES = 20_000

Derive = Callable[[ast.Expr], ast.Expr | None]


@dataclass
class Calculus:
    """The atoms met so far by the name that stands for each, and the variables by name."""

    variables: Mapping[str, ast.Parameter]
    atoms: dict[str, Atom] = field(default_factory=dict)

    def is_vector(self, variable: str) -> bool:
        """Whether a variable is an array."""
        return isinstance(self.variables[variable].annotation, ast.TypeArray)

    def atom(self, atom: Atom, span: Span) -> ast.Name:
        """The name that stands for an atom; E216 beyond the order limit."""
        if atom.total_order > MOST_ORDER:
            message = f"`{atom}` is a derivative of order {atom.total_order}"
            raise fail("E216", message, span, expected=f"order {MOST_ORDER} at most", hint="split the operator")
        self.atoms[atom.name] = atom
        return ast.Name(atom.name, span=span)

    def of(self, node: ast.Expr) -> Atom | None:
        """The atom that an expression is, if it is one."""
        return self.atoms.get(node.name) if isinstance(node, ast.Name) else None

    def mentions_fields(self, node: ast.Expr) -> bool:
        """Whether an expression depends on a field."""
        return not names(node).isdisjoint(self.atoms)

    # --- by a scalar variable ---------------------------------------------------------------------

    def along(self, node: ast.Expr, variable: str) -> ast.Expr | None:
        """The derivative by a scalar variable."""
        if not self.mentions_fields(node):
            return self._plain("grad", node, variable)
        atom = self.of(node)
        if atom is not None:
            return self.atom(atom.along(variable, tuple(self.variables)), node.span)
        match node:
            case ast.Binary(operator="@"):
                left = times(self.along(node.left, variable), node.right, "@")
                return plus(left, times(node.left, self.along(node.right, variable), "@"))
            case ast.Index(base=base):
                inner = self.along(base, variable)
                return None if inner is None else replace(node, base=inner)
            case ast.For(body=body):
                inner = self.along(body, variable)
                return None if inner is None else replace(node, body=inner)
            case ast.Call(function=ast.Name(name="sum"), arguments=(argument,)):
                inner = self.along(argument.value, variable)
                return None if inner is None else called("sum", inner, span=node.span)
            case _:
                return self._limited(self._by_rule(node, lambda part: self.along(part, variable)))

    # --- by the coordinates of a vector variable --------------------------------------------------

    def gradient(self, node: ast.Expr, variable: str) -> ast.Expr | None:
        """The vector of derivatives of a scalar expression by the coordinates of a vector variable."""
        if not self.mentions_fields(node):
            return self._plain("grad", node, variable)
        atom = self.of(node)
        if atom is None:
            return self._limited(self._by_rule(node, lambda part: self.gradient(part, variable)))
        if atom.kind != "value":
            raise self.refused(f"the gradient of `{atom}` is a third derivative by coordinates", node)
        return self.atom(replace(atom, kind="gradient", variable=variable, order=1), node.span)

    def laplacian(self, node: ast.Expr, variable: str) -> ast.Expr | None:
        """The sum of second derivatives of a scalar expression by the coordinates of a vector variable."""
        if not self.mentions_fields(node):
            return self._plain("laplacian", node, variable)
        atom = self.of(node)
        if atom is not None:
            return self._laplacian_of_atom(atom, variable, node)
        match node:
            case ast.Binary(operator="*", left=left, right=right):
                both = plus(times(left, self.laplacian(right, variable)), times(self.laplacian(left, variable), right))
                gradients = (self.gradient(left, variable), self.gradient(right, variable))
                cross = times(*gradients, operator="@")
                return self._limited(plus(both, times(ast.Integer(2, span=node.span), cross)))
            case ast.Binary(operator="/", left=left, right=right) if not self.mentions_fields(right):
                return self.laplacian(binary("*", left, reciprocal(right)), variable)
            case ast.Binary(operator="+" | "-" as sign, left=left, right=right):
                first, second = self.laplacian(left, variable), self.laplacian(right, variable)
                return plus(first, second if sign == "+" else negated(second))
            case ast.Unary(operator="-", operand=operand):
                return negated(self.laplacian(operand, variable))
            case ast.Binary() | ast.Call():
                function, inner = self._unary(node)
                slope = function_of(function.parameters[0], apply_derivative(function, function.parameters[0]))
                gradient = self.gradient(inner, variable)
                curved = times(apply_derivative(slope, inner), times(gradient, gradient, "@"))
                return self._limited(
                    plus(times(apply_derivative(function, inner), self.laplacian(inner, variable)), curved)
                )
            case _:
                raise self.refused("this expression has no rule for `laplacian`", node)

    def divergence(self, node: ast.Expr, variable: str) -> ast.Expr | None:
        """The divergence of a flux: a gradient, times a scalar or behind a matrix, and sums of such."""
        atom = self.of(node)
        if atom is not None and atom.kind == "gradient" and atom.variable == variable:
            return self.atom(replace(atom, kind="laplacian", order=1), node.span)
        match node:
            case ast.Binary(operator="+" | "-" as sign, left=left, right=right):
                second = self.divergence(right, variable)
                return plus(self.divergence(left, variable), second if sign == "+" else negated(second))
            case ast.Unary(operator="-", operand=operand):
                return negated(self.divergence(operand, variable))
            case ast.Binary(operator="*", left=left, right=right):
                scale, flux = (left, right) if self.is_flux(right) else (right, left)
                if self.is_flux(flux) and not self.is_flux(scale):
                    both = times(scale, self.divergence(flux, variable))
                    return plus(both, times(self.gradient(scale, variable), flux, "@"))
            case ast.Binary(operator="/", left=left, right=right) if self.is_flux(left):
                return self.divergence(binary("*", left, reciprocal(right)), variable)
            case _:
                pass
        raise self.refused("`div` takes a gradient, times a scalar or behind a matrix", node)

    def is_flux(self, node: ast.Expr) -> bool:
        """Whether an expression is a vector because a gradient stands in it outside of dot products."""
        atom = self.of(node)
        match node:
            case ast.Binary(operator="@", left=left, right=right):
                return self.is_flux(right) and not self.is_flux(left)
            case ast.Binary(operator="+" | "-" | "*" | "/", left=left, right=right):
                return self.is_flux(left) or self.is_flux(right)
            case ast.Unary(operand=operand):
                return self.is_flux(operand)
            case _:
                return atom is not None and atom.rank == 1

    def _laplacian_of_atom(self, atom: Atom, variable: str, node: ast.Expr) -> ast.Name:
        if atom.kind == "value":
            return self.atom(replace(atom, kind="laplacian", variable=variable, order=1), node.span)
        if atom.kind == "laplacian" and atom.variable == variable:
            return self.atom(replace(atom, order=atom.order + 1), node.span)
        raise self.refused(f"`laplacian` of `{atom}` is not covered", node)

    # --- shared -----------------------------------------------------------------------------------

    def _plain(self, word: str, node: ast.Expr, variable: str) -> ast.Expr | None:
        """The derivative of a coefficient, by a word of the language."""
        if variable not in names(node):
            return None
        function = function_of(self.variables[variable], node)
        return apply(called(word, function, span=node.span), ast.Name(variable, span=node.span), span=node.span)

    def _by_rule(self, node: ast.Expr, derive: Derive) -> ast.Expr | None:
        """First derivatives: linear in the derivatives of the parts."""
        match node:
            case ast.Unary(operator="-", operand=operand):
                return negated(derive(operand))
            case ast.Binary(operator="+" | "-" as sign, left=left, right=right):
                second = derive(right)
                return plus(derive(left), second if sign == "+" else negated(second))
            case ast.Binary(operator="*", left=left, right=right):
                return plus(times(derive(left), right), times(left, derive(right)))
            case ast.Binary(operator="/", left=left, right=right):
                first, second = derive(left), derive(right)
                rest = times(negated(left), second)
                square = binary("^", right, ast.Integer(2, span=right.span))
                return plus(times(first, right, "/"), times(rest, square, "/"))
            case ast.If(then=then, otherwise=otherwise):
                arms = (derive(then), derive(otherwise))
                zero = ast.Decimal("0.0", span=node.span)
                return replace(node, then=arms[0] or zero, otherwise=arms[1] or zero) if any(arms) else None
            case ast.Binary() | ast.Call():
                function, inner = self._unary(node)
                return times(apply_derivative(function, inner), derive(inner))
            case _:
                raise self.refused("this expression has no rule of differentiation", node)

    def _unary(self, node: ast.Expr) -> tuple[ast.Lambda, ast.Expr]:
        """``f(e)`` as the function f of one number, and e."""
        bound = ast.Parameter("@z", ast.TypeName("real", span=node.span), span=node.span)
        z = ast.Name("@z", span=node.span)
        match node:
            case ast.Call(arguments=(argument,)) if argument.name is None and not self.is_flux(argument.value):
                return function_of(bound, apply(node.function, z, span=node.span)), argument.value
            case ast.Binary(operator="^", left=left, right=right) if not self.mentions_fields(right):
                return function_of(bound, binary("^", z, right)), left
            case _:
                raise self.refused("this expression has no rule of differentiation", node)

    def _limited(self, node: ast.Expr | None) -> ast.Expr | None:
        if node is not None and sum(1 for _ in zip(walk(node), range(MOST_NODES), strict=False)) == MOST_NODES:
            message = f"a derivative in this operator has more than {MOST_NODES} terms and factors"
            raise fail(
                "E216", message, node.span, hint="differentiate products by hand, or define a field of their own"
            )
        return node

    def refused(self, message: str, node: ast.Expr) -> DiagnosticError:
        """E220: what the rules do not cover."""
        return fail("E220", message, node.span, hint="write the derivative out, in terms of derivatives of the fields")


def reciprocal(node: ast.Expr) -> ast.Expr:
    """``1.0 / node``."""
    return binary("/", ast.Decimal("1.0", span=node.span), node)


def apply_derivative(function: ast.Lambda, point: ast.Expr | ast.Parameter) -> ast.Expr:
    """``f'(point)``, by the language."""
    at = ast.Name(point.name, span=point.span) if isinstance(point, ast.Parameter) else point
    return apply(called("grad", function, span=function.span), at, span=function.span)
