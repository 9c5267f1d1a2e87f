"""Python functions under the probe: a function on NumPy values and its derivative rules enter, a subject leaves.

Rules have the signatures of the language: ``jvp(x…, x_dot…) -> y_dot`` and ``vjp(x…, y_bar) -> x_bar`` (a tuple when
there are several arguments); the ``value_and_`` forms give the value first. Slopes come from extrapolated differences,
in extended precision where the function keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .point import Arrays, Leaf, Missing, Slope, Unusable, WrongShape, inner
from .slopes import float_slope, side


@dataclass(frozen=True, slots=True)
class Rules:
    """The derivative rules given for a function, and its batched form (True: the function itself takes batches)."""

    jvp: Callable[..., Any] | None = None
    vjp: Callable[..., Any] | None = None
    value_and_jvp: Callable[..., Any] | None = None
    value_and_vjp: Callable[..., Any] | None = None
    batch: Callable[..., Any] | bool | None = None


def flatten(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The arrays of a value of tuples, lists and dicts, with the name of each."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{name}.{key}")
    elif _nests(value):
        for index, item in enumerate(value):
            yield from flatten(item, f"{name}.{index}")
    else:
        yield name, value


def _nests(value: Any) -> bool:
    """A tuple, or a list that holds more than numbers; other lists are arrays."""
    return isinstance(value, tuple) or (isinstance(value, list) and any(isinstance(x, (tuple, dict)) for x in value))


def rebuild(shape: Any, leaves: Iterator[Any]) -> Any:
    """A value of the same structure with other arrays."""
    if isinstance(shape, dict):
        return {key: rebuild(item, leaves) for key, item in shape.items()}
    if _nests(shape):
        return type(shape)(rebuild(item, leaves) for item in shape)
    leaf = next(leaves)
    return leaf[()] if isinstance(leaf, np.ndarray) and leaf.ndim == 0 else leaf


@dataclass(frozen=True, eq=False)
class CallableSubject:
    """A Python function; `structure` is the tuple of example arguments, whose nesting every call repeats."""

    function: Callable[..., Any]
    structure: tuple[Any, ...]
    leaves: tuple[Leaf, ...]
    rules: Rules

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def low_precision(self) -> bool:
        return any(leaf.active and leaf.dtype != "float64" for leaf in self.leaves)

    @property
    def has_rules(self) -> bool:
        return True

    # --- values and rules ---

    def value(self, x: Arrays) -> Arrays:
        return self._flat(self._call(self.function, x))

    def jvp(self, x: Arrays, x_dot: Arrays) -> tuple[Arrays | None, Arrays]:
        arguments = [*self._arguments(x), *self._tangents(x, x_dot)]
        rules = self.rules
        if rules.value_and_jvp is not None:
            y, y_dot = _pair(self._rule(rules.value_and_jvp, arguments), "jvp")
        elif rules.jvp is not None:
            y, y_dot = None, self._rule(rules.jvp, arguments)
        else:
            raise Missing("no jvp rule was given")
        wanted = self.value(x)
        found = self._flat(y_dot)
        dots = tuple(v if _is_float(w) else None for v, w in zip(_matched(found, wanted, "jvp"), wanted, strict=True))
        return (None if y is None else self._flat(y)), dots

    def vjp(self, x: Arrays, y_bar: Arrays) -> tuple[Arrays | None, Arrays]:
        wanted = iter([np.zeros(np.shape(y)) if v is None else v for y, v in zip(self.value(x), y_bar, strict=True)])
        result = self._call(self.function, x)
        arguments = [*self._arguments(x), rebuild(result, wanted)]
        rules = self.rules
        if rules.value_and_vjp is not None:
            y, x_bar = _pair(self._rule(rules.value_and_vjp, arguments), "vjp")
        elif rules.vjp is not None:
            y, x_bar = None, self._rule(rules.vjp, arguments)
        else:
            raise Missing("no vjp rule was given")
        bars = self._bars(x_bar)
        return (None if y is None else self._flat(y)), bars

    def _bars(self, x_bar: Any) -> Arrays:
        """The cotangent of each leaf; a rule may leave out leaves that are no floats, or give None for them."""
        found: list[Any] = [None if item is None else np.asarray(item) for _, item in flatten(x_bar, "")]
        active = [leaf for leaf in self.leaves if leaf.active]
        if len(found) == len(self.leaves):
            found = [item for item, leaf in zip(found, self.leaves, strict=True) if leaf.active]
        if len(found) != len(active) or any(item is None for item in found):
            raise WrongShape(
                "the vjp rule gives another number of cotangents than there are float inputs",
                f"{len(active)} ({', '.join(leaf.name for leaf in active)})",
                str(sum(item is not None for item in found)),
                "vjp",
            )
        for item, leaf in zip(found, active, strict=True):
            _same_shape(np.shape(item), leaf.shape, f"the cotangent of `{leaf.name}`", "vjp")
        rest = iter(found)
        return tuple(next(rest) if leaf.active else None for leaf in self.leaves)

    # --- slopes ---

    def slope(self, x: Arrays, x_dot: Arrays) -> Slope:
        shapes = [np.shape(y) if _is_float(y) else None for y in self.value(x)]
        wide = self._wide_line(x, x_dot)
        if wide is not None and np.finfo(np.longdouble).eps < 1e-17:
            return float_slope(wide, np.longdouble, shapes)
        return float_slope(self._line(x, x_dot, np.float64), np.float64, shapes)

    def _line(self, x: Arrays, x_dot: Arrays, dtype: Any) -> Callable[[Any], np.ndarray]:
        def line(step: Any) -> np.ndarray:
            moved = tuple(
                a if v is None else np.asarray(a).astype(dtype) + dtype(step) * np.asarray(v).astype(dtype)
                for a, v in zip(x, x_dot, strict=True)
            )
            kept = [np.ravel(y) for y in self.value(moved) if _is_float(y)]
            return np.concatenate(kept) if kept else np.zeros(0)

        return line

    def _wide_line(self, x: Arrays, x_dot: Arrays) -> Callable[[Any], np.ndarray] | None:
        """The line in extended precision, or None where the function does not keep it."""
        line = self._line(x, x_dot, np.longdouble)
        try:
            return line if line(np.longdouble(0)).dtype == np.longdouble else None
        except Unusable:
            return None

    def one_sided(self, x: Arrays, x_dot: Arrays, y_bar: Arrays) -> tuple[float | None, float | None]:
        def line(step: float) -> float:
            pairs = zip(x, x_dot, strict=True)
            moved = tuple(a if v is None else np.asarray(a) + step * np.asarray(v) for a, v in pairs)
            return inner(y_bar, self.value(moved))

        return side(line, -1.0), side(line, 1.0)

    def in_domain(self, x: Arrays) -> bool:
        return True  # nothing is known of what happens inside

    # --- batches and sizes ---

    def lanes(self, rows: Sequence[Arrays]) -> Arrays:
        batch = self.rules.batch
        if batch is None or batch is False:
            raise Missing("no batched form was given (batch=)")
        function = self.function if batch is True else batch
        stacked = [np.stack([row[k] for row in rows]) for k in range(len(self.leaves))]
        return self._flat(self._rule(function, self._arguments(tuple(stacked))))

    def resized(self, x: Arrays) -> CallableSubject:
        leaves = tuple(
            Leaf(leaf.name, leaf.dtype, np.shape(value), leaf.active)
            for leaf, value in zip(self.leaves, x, strict=True)
        )
        return CallableSubject(self.function, self.structure, leaves, self.rules)

    # --- calling ---

    def _arguments(self, x: Arrays) -> list[Any]:
        """Fresh copies, so that a rule that writes into its arguments spoils nothing."""
        return list(rebuild(self.structure, iter([np.array(value) for value in x])))

    def _tangents(self, x: Arrays, x_dot: Arrays) -> list[Any]:
        filled = [np.zeros(np.shape(a)) if v is None else v for a, v in zip(x, x_dot, strict=True)]
        return list(rebuild(self.structure, iter([np.array(v) for v in filled])))

    def _call(self, function: Callable[..., Any], x: Arrays) -> Any:
        try:
            with np.errstate(all="ignore"):
                return function(*self._arguments(x))
        except Exception as error:  # whatever a user's function raises only says that it has no value there
            raise Unusable(f"the function raises {type(error).__name__}: {error}") from None

    def _rule(self, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        try:
            with np.errstate(all="ignore"):
                return function(*arguments)
        except Exception as error:  # a rule has to work where its function does
            raise WrongShape("the rule fails where the function has a value", "a result", repr(error), "rule") from None

    def _flat(self, result: Any) -> Arrays:
        found = tuple(np.asarray(item) for _, item in flatten(result, "result"))
        if any(array.dtype.kind not in "fiub" for array in found):
            raise Unusable(f"a result is no real number but {found[0].dtype}")
        return found


def make_leaves(arguments: Sequence[Any], names: Sequence[str]) -> tuple[tuple[Leaf, ...], Arrays]:
    """The leaves of example arguments and their arrays."""
    leaves, arrays = [], []
    for name, value in zip(names, arguments, strict=True):
        for place, item in flatten(value, name):
            array = np.asarray(item)
            leaves.append(Leaf(place, str(array.dtype), array.shape, _is_float(array)))
            arrays.append(array)
    return tuple(leaves), tuple(arrays)


def _is_float(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f"


def _pair(result: Any, mode: str) -> tuple[Any, Any]:
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise WrongShape(f"the value_and_{mode} rule gives no pair", "(value, derivative)", type(result).__name__, mode)
    return result[0], result[1]


def _matched(found: Arrays, wanted: Arrays, mode: str) -> Arrays:
    if len(found) != len(wanted):
        raise WrongShape(f"the {mode} rule gives another number of results", str(len(wanted)), str(len(found)), mode)
    for number, (item, like) in enumerate(zip(found, wanted, strict=True)):
        place = "the tangent of the result" if len(wanted) == 1 else f"the tangent of result {number}"
        _same_shape(np.shape(item), np.shape(like), place, mode)
    return found


def _same_shape(found: tuple[int, ...], wanted: tuple[int, ...], what: str, mode: str) -> None:
    if found != wanted:
        raise WrongShape(f"{what} has the wrong shape", f"shape {list(wanted)}", f"shape {list(found)}", mode)
