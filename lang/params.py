"""Parameters of primitives: static data beside the operands, with typed readers.

A parameter is a number, a text, a size, or a tuple of parameters. A reader checks what it gives, so that rules and
passes need neither casts nor assertions; a parameter of another kind is a bug (`InternalError`).
"""

from __future__ import annotations

from .diagnostics import InternalError
from .sizes import Poly, Size

Param = int | float | str | bool | Poly | None | tuple["Param", ...]
Params = tuple[tuple[str, Param], ...]  # sorted by name


def param(params: Params, name: str) -> Param:
    """The parameter of that name; KeyError when there is none."""
    for key, value in params:
        if key == name:
            return value
    raise KeyError(name)


def integer(params: Params, name: str) -> int:
    """A whole number, such as an axis."""
    value = param(params, name)
    if isinstance(value, int):
        return value
    raise InternalError(f"the parameter {name} is {value}, not a whole number")


def integers(params: Params, name: str) -> tuple[int, ...]:
    """A tuple of whole numbers, such as axes.

    >>> integers((("axes", (0, 2)),), "axes")
    (0, 2)
    """
    value = param(params, name)
    found = tuple(item for item in value if isinstance(item, int)) if isinstance(value, tuple) else None
    if found is None or not isinstance(value, tuple) or len(found) != len(value):
        raise InternalError(f"the parameter {name} is {value}, not a tuple of whole numbers")
    return found


def size(params: Params, name: str) -> Size:
    """A size."""
    value = param(params, name)
    if isinstance(value, int | Poly):
        return value
    raise InternalError(f"the parameter {name} is {value}, not a size")


def sizes(params: Params, name: str) -> tuple[Size, ...]:
    """A tuple of sizes, such as a shape."""
    value = param(params, name)
    found = tuple(item for item in value if isinstance(item, int | Poly)) if isinstance(value, tuple) else None
    if found is None or not isinstance(value, tuple) or len(found) != len(value):
        raise InternalError(f"the parameter {name} is {value}, not a tuple of sizes")
    return found
