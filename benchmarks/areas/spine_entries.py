"""The acceptance programs as instances: the files of `tests/programs` and `examples` enter; first-order programs at
known sizes, with drawn inputs, leave.

An entry counts when it gives one float scalar and takes a float: those have a value and a gradient. Nothing here
imports jax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import pushforward as pf
from pushforward.lang.constants import numpy_dtype
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import ArrayType, Program

Scale = Literal["small", "large"]

# Sizes of one entry, (small, large); the others take `DEFAULT` for all of their sizes.
DEFAULT = {"small": 4, "large": 1024}
_MATRIX = ({"n": 3, "k": 4, "m": 2}, {"n": 16, "k": 16, "m": 16})
_POINTS = ({"n": 6, "k": 2, "d": 2}, {"n": 20, "k": 20, "d": 20})
_MIXTURE = ({"n": 5, "d": 2, "k": 3, "l": 3}, {"n": 100, "d": 4, "k": 5, "l": 10})
SIZES: Mapping[str, tuple[dict[str, int], dict[str, int]]] = {
    "tanh_matmul": _MATRIX,
    "tanh_matmul_by_sums": _MATRIX,
    "kmeans_cost": _POINTS,
    "nearest_cost": _POINTS,
    "gmm": _MIXTURE,
    "log_wishart_prior": _MIXTURE,
    "lstm": ({"l": 1, "b": 3, "c": 4}, {"l": 1, "b": 14, "c": 20}),
    "misfit": ({"n": 4}, {"n": 20}),
    "objective": ({"n": 4}, {"n": 20}),
}
MIN_SCALAR, MIN_ARRAY = 10, 1000  # flops below which a ratio says more about constants than about the method


@dataclass(frozen=True)
class Entry:
    """One definition with a value and a gradient."""

    file: str
    name: str
    program: pf.Program

    @property
    def id(self) -> str:
        """File and definition, as rows name them."""
        return f"{self.file}:{self.name}"

    def sizes(self, scale: Scale) -> dict[str, int]:
        """The sizes of the definition at a scale."""
        known = SIZES.get(self.name, ({}, {}))[0 if scale == "small" else 1]
        return {name: known.get(name, DEFAULT[scale]) for name in self.program.ir.sizes}

    def first(self, scale: Scale) -> Program:
        """The first-order program at the sizes of the scale."""
        return self.program.first(self.sizes(scale))


def program_files(root: Path) -> list[Path]:
    """The acceptance programs and the examples, in the order of their names."""
    return sorted((root / "tests" / "programs").glob("*.pf")) + sorted((root / "examples").glob("**/*.pf"))


def entries(root: Path) -> Iterator[Entry]:
    """Every definition of the files that gives one float scalar and takes a float."""
    for path in program_files(root):
        module = pf.load(path)
        for name in module:
            entry = Entry(path.stem, name, module[name])
            if _has_gradient(entry):
                yield entry


def _has_gradient(entry: Entry) -> bool:
    try:
        first = entry.first("small")
    except DiagnosticError:  # a recursive data type has no first-order form; its callers do
        return False
    (type_, *others) = first.output_types
    return _is_float(type_) and getattr(type_, "shape", None) == () and not others and bool(float_slots(first))


def _is_float(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.is_float


def float_slots(program: Program) -> tuple[int, ...]:
    """The inputs a gradient is taken by."""
    return tuple(slot for slot, type_ in enumerate(program.inputs) if _is_float(type_))


def is_scalar(program: Program) -> bool:
    """Whether all inputs are scalars."""
    return all(isinstance(type_, ArrayType) and not type_.shape for type_ in program.inputs)


def draw(program: Program, seed: int) -> list[Any]:
    """One array per input: floats uniform in [0.2, 0.9], where every program is smooth; integers in [0, 4)."""
    rng = np.random.default_rng(seed)
    drawn = []
    for type_ in program.inputs:
        assert isinstance(type_, ArrayType)
        shape = tuple(int(str(size)) for size in type_.shape)
        values = rng.uniform(0.2, 0.9, shape) if type_.is_float else rng.integers(0, 4, shape)
        drawn.append(np.asarray(values, numpy_dtype(type_.dtype)))
    return drawn
