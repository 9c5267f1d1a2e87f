"""Solutions: trained parameters and how they came about, as a function of points, a picture and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .checkpoints import write_archive
from .domains import Domain, Shape
from .pictures import draw
from .training import Row


@dataclass(frozen=True, eq=False)
class Solution:
    """A trained network: call it at a point, or at many (arrays with one more leading axis).

    Attributes:
        parameters: the trained pytree, after the last step.
        error: relative L2 error on points that training has not seen, after the last step; None without an exact
            solution.
        trivial: the same error of the best multiple of the weight, ``a * weight`` (plus the boundary values).
        history: rows ``(step, mean loss since the last row, error)``.
        seconds: per step, without compilation; None when a checkpoint had all steps.
        settings: what was trained, as JSON data.
    """

    parameters: Any = field(repr=False)
    error: float | None
    trivial: float | None
    history: tuple[Row, ...] = field(repr=False)
    seconds: float | None
    settings: Mapping[str, Any] = field(repr=False)
    function: Callable[..., Any] = field(repr=False)  # (parameters, *point) -> a number
    exact: Callable[..., Any] | None = field(repr=False)
    domain: Domain = field(repr=False)
    shapes: tuple[Shape, ...] = field(repr=False)

    @property
    def skill(self) -> float | None:
        """``1 - (error / trivial)^2``: 0 for a network no better than one number, 1 for an exact one."""
        if self.error is None or not self.trivial:
            return None
        return 1.0 - (self.error / self.trivial) ** 2

    def __call__(self, *point: Any) -> Any:
        """The value at a point, or [m] at m points; arrays in the precision of the training."""
        with jax.enable_x64(self.settings["dtype"] == "f64"):
            return self._at(self._with_parameters, point)

    def _with_parameters(self, *point: Any) -> Any:
        return self.function(self.parameters, *point)

    def _at(self, function: Callable[..., Any], point: tuple[Any, ...]) -> Any:
        arrays = [jnp.asarray(x, "float64" if self.settings["dtype"] == "f64" else "float32") for x in point]
        many = bool(arrays) and arrays[0].ndim > len(self.shapes[0])
        return (jax.vmap(function) if many else function)(*arrays)

    def picture(self, path: str | Path) -> None:
        """Draw the error over steps, and the solution on a line through the domain beside the exact one, as PNG.

        Raises E234 without matplotlib, E180 when the file cannot be written.
        """
        line = getattr(self.domain, "line", None)
        curves: dict[str, Any] = {}
        if line is not None:
            places, points = line(200)
            curves = {"place": places, "network": np.asarray(self(*points))}
            if self.exact is not None:
                with jax.enable_x64(self.settings["dtype"] == "f64"):
                    curves["exact"] = np.asarray(self._at(self.exact, points))
        draw(Path(path), self.history, self.error, self.trivial, curves)

    def save(self, path: str | Path) -> None:
        """Write parameters, history and settings as one NumPy archive (`numpy.load` reads it).

        Arrays are named by their place in the parameters, ``first[0]``; ``words`` is JSON text as bytes.
        """
        leaves = jax.tree_util.tree_leaves_with_path(self.parameters)
        arrays = {jax.tree_util.keystr(place, simple=True, separator="/"): np.asarray(leaf) for place, leaf in leaves}
        words = {"settings": dict(self.settings), "error": self.error, "skill": self.skill}
        write_archive(Path(path), arrays, {**words, "history": [list(row) for row in self.history]})
