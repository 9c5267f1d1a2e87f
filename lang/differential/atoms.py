"""Atoms: the partial derivatives, and the sums of them over coordinates, that an operator is a function of.

An atom is a derivative of one field: a multi-index over the scalar variables, followed by at most one `kind` over a
vector variable. Atoms are written as texts without spaces, ``u|x:3,t:1|laplacian:y:1``, which is how they travel in
programs and certificates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

Kind = Literal["value", "gradient", "diagonal", "hessian", "power", "laplacian", "weighted"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RANK: dict[Kind, int] = {"gradient": 1, "diagonal": 1, "hessian": 2}  # axes that a kind leaves; the others leave none
MOST_ORDER = 12


@dataclass(frozen=True, slots=True, order=True)
class Atom:
    """A derivative of `field`.

    `scalars` holds ``(variable, order)`` in the order of the declaration. Over the vector variable `variable`:
    ``gradient``; ``diagonal``, the `order`-th derivative along each coordinate; ``hessian``; ``power``, the sum of the
    diagonal; ``laplacian``, applied `order` times; and ``weighted``, the sum of ``C[i, j] d_i d_j`` for the matrix
    number `order` among the weights of the field.
    """

    field: str
    scalars: tuple[tuple[str, int], ...] = ()
    kind: Kind = "value"
    variable: str = ""
    order: int = 0

    @property
    def spatial_order(self) -> int:
        """How often it differentiates along coordinates of the vector variable."""
        fixed = {"value": 0, "gradient": 1, "hessian": 2, "weighted": 2, "laplacian": 2 * self.order}
        return fixed.get(self.kind, self.order)

    @property
    def total_order(self) -> int:
        """How often it differentiates altogether."""
        return sum(order for _, order in self.scalars) + self.spatial_order

    @property
    def rank(self) -> int:
        """The number of axes of its value."""
        return RANK.get(self.kind, 0)

    def along(self, variable: str, variables: tuple[str, ...]) -> Atom:
        """Its derivative by a scalar variable; `variables` gives the order of the declaration."""
        orders = dict(self.scalars)
        orders[variable] = orders.get(variable, 0) + 1
        return replace(self, scalars=tuple((name, orders[name]) for name in variables if name in orders))

    @property
    def text(self) -> str:
        """``u|x:3,t:1|laplacian:y:1``; the parts behind the field may be empty."""
        scalars = ",".join(f"{name}:{order}" for name, order in self.scalars)
        return f"{self.field}|{scalars}|" + (
            "" if self.kind == "value" else f"{self.kind}:{self.variable}:{self.order}"
        )

    @property
    def name(self) -> str:
        """The name that stands for it in an expanded operator, different for different atoms.

        >>> Atom("u", (), "laplacian", "y", 1).name
        'laplacian(u) over y'
        """
        return f"{self} over {self.variable}" if self.variable else str(self)

    def __str__(self) -> str:
        """How people write it: ``u_xxxt``, ``laplacian(u_t)``.

        >>> print(Atom("u", (("x", 3), ("t", 1)), "laplacian", "y", 2))
        laplacian^2(u_xxxt)
        """
        letters = "".join(name * order if len(name) == 1 else f"({name})" * order for name, order in self.scalars)
        inner = f"{self.field}_{letters}" if letters else self.field
        match self.kind:
            case "value":
                return inner
            case "gradient" | "hessian":
                return f"{'grad' if self.kind == 'gradient' else self.kind}({inner})"
            case "diagonal":
                return f"partial({inner}, {self.variable}[i], {self.order})"
            case "power":
                return f"sum_i partial({inner}, {self.variable}[i], {self.order})"
            case "laplacian":
                return f"laplacian{'' if self.order == 1 else f'^{self.order}'}({inner})"
            case "weighted":
                return f"trace(C{self.order} @ hessian({inner}))"


def read_atom(text: str) -> Atom:
    """The atom of a text; ValueError when it is none.

    >>> read_atom("u|x:3,t:1|laplacian:y:1").total_order
    6
    """
    field, scalars, spatial = text.split("|")
    orders = tuple(
        (name, int(order)) for name, _, order in (part.partition(":") for part in scalars.split(",") if part)
    )
    if any(order < 1 for _, order in orders):
        raise ValueError(f"an order in {text} is not positive")
    if not spatial:
        return Atom(field, orders)
    kind, variable, order = spatial.split(":")
    for known in KINDS:
        if known == kind and known != "value":
            return Atom(field, orders, known, variable, int(order))
    raise ValueError(f"there is no kind {kind}")
