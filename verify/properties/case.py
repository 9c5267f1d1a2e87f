"""A generated program at a point, with what its checks share: each part is made when a check first asks for it.

The oracle evaluates the program with many digits, with differences in place of derivative words (`differences`), along
random curves (`relation`); its Taylor coefficients are the values and derivatives that everything is compared with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...ad.forward import forward
from ...ad.reverse import reverse
from ...ad.transforms import TRANSFORMS
from ...lang.check_ir import check_program
from ...lang.ir import Program
from ...lang.module import Module, parse_module
from ...lang.specialise import Tagged, specialise
from ...semantics.exact import Digits, ExactArithmetic
from ...semantics.interpreter import Interpreter
from ...semantics.reference import Variant, evaluate
from . import relation
from .agreement import Arrays
from .differences import DIFFERENCES
from .generator import Generated
from .kinks import distance_to_kinks

NEAR_A_KINK = 1e-6
_DERIVATIVE_WORDS = re.compile(r"\b(grad|value_and_grad|jvp|vjp|jacobian|hessian|laplacian)\b|\w'")
MANY = 220  # digits for programs that differentiate: each nested difference takes 20, and eight may be nested


@dataclass
class Case:
    """A program at a point, and what the checks share."""

    generated: Generated
    seed: int
    _programs: dict[object, Program] = field(default_factory=dict, repr=False)

    @cached_property
    def module(self) -> Module:
        module = parse_module(self.generated.text)
        module.require()
        return module

    @cached_property
    def full(self) -> Program:
        return self.module.program("main")

    @cached_property
    def differentiates(self) -> bool:
        """Whether the text uses derivative words."""
        return _DERIVATIVE_WORDS.search(self.generated.text) is not None

    @property
    def values(self) -> list[Any]:
        """Values of the inputs of `main`, variants included, away from kinks where tries find such."""
        return self._placed[0]

    @property
    def near_a_kink(self) -> bool:
        return self._placed[1]

    @cached_property
    def _placed(self) -> tuple[list[Any], bool]:
        """The values, and whether no try was away from kinks."""
        for number in range(4):
            values = self.generated.values(self.seed + number)
            if distance_to_kinks(self._specialised(values, TRANSFORMS), _leaves(values)) > NEAR_A_KINK:
                return values, False
        return self.generated.values(self.seed), True

    def _specialised(self, values: Sequence[Any], transforms: Any) -> Program:
        known = {slot: _tags(value) for slot, value in enumerate(values) if isinstance(value, Variant)}
        key = (transforms is DIFFERENCES, *known.items())
        if key not in self._programs:
            self._programs[key] = specialise(self.full, self.module.definitions, {}, transforms, known)
        return self._programs[key]

    @cached_property
    def first(self) -> Program:
        """The first-order program, the tags of variants known."""
        program = self._specialised(self.values, TRANSFORMS)
        check_program(program)
        return program

    @cached_property
    def meaning(self) -> Program:
        """The same with differences for derivatives: what the oracle evaluates."""
        return self._specialised(self.values, DIFFERENCES) if self.differentiates else self.first

    @cached_property
    def xs(self) -> Arrays:
        """The arrays of the first-order program."""
        return _leaves(self.values)

    @cached_property
    def ys(self) -> Arrays:
        return run(self.first, self.xs)

    @cached_property
    def curves(self) -> list[relation.Curve]:
        """Curves through the values of `main`."""
        random = np.random.default_rng([self.seed, 1])
        return [relation.curve_through(value, random) for value in self.values]

    @cached_property
    def flat_curves(self) -> list[relation.Path | relation.Fixed]:
        return [leaf for curve in self.curves for leaf in relation.paths(curve)]

    @cached_property
    def x_dots(self) -> Arrays:
        return [curve.derivative(1) for curve in self.flat_curves if isinstance(curve, relation.Path)]

    @cached_property
    def y_bars(self) -> Arrays:
        random = np.random.default_rng([self.seed, 2])
        return [random.uniform(-1, 1, np.shape(y)) for y in floats(self.ys)]

    @cached_property
    def pushed(self) -> Program:
        return checked(forward)(self.first)

    @cached_property
    def pulled(self) -> Program:
        return checked(reverse)(self.first)

    @cached_property
    def y_dots(self) -> Arrays:
        return run(self.pushed, [*self.xs, *self.x_dots])[len(self.ys) :]

    @cached_property
    def x_bars(self) -> Arrays:
        return run(self.pulled, [*self.xs, *self.y_bars])[len(self.ys) :]

    @cached_property
    def taylor(self) -> list[list[Any]]:
        """Derivatives 0 … `order` of the outputs along the curves, by the oracle."""
        order = 1 if self.differentiates else 2
        digits = MANY if self.differentiates else 50
        field = Digits(digits)
        interpreter = Interpreter(ExactArithmetic(field))

        def along(t: Any) -> list[Any]:
            number = np.frompyfunc(field.number, 1, 1)
            xs = [relation.at(curve, number, t) for curve in self.flat_curves]
            return floats(interpreter.run(self.meaning, xs))

        return relation.taylor_derivatives(along, order, 50, field.context)


def checked(transform: Callable[..., Program]) -> Callable[..., Program]:
    """A pass whose result the type checker of the IR looks at."""

    def run_checked(*args: Any, **named: Any) -> Program:
        program = transform(*args, **named)
        check_program(program)
        return program

    return run_checked


def run(program: Program, args: Sequence[Any]) -> Arrays:
    return [np.asarray(value) for value in evaluate(program, args)]


def floats(arrays: Sequence[Any]) -> list[Any]:
    return [array for array in arrays if np.asarray(array).dtype.kind in "fO"]


def dot(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> tuple[float, float]:
    """The inner product, and the sum of the magnitudes in it."""
    terms = [np.asarray(a * b) for a, b in zip(left, right, strict=True)]
    return float(sum(term.sum() for term in terms)), float(sum(np.abs(term).sum() for term in terms))


def _leaves(values: Sequence[Any]) -> Arrays:
    found: Arrays = []
    for value in values:
        found.extend(_leaves(value.payload) if isinstance(value, Variant) else [np.asarray(value)])
    return found


def _tags(value: Variant) -> Tagged:
    return Tagged(value.tag, tuple(_tags(item) if isinstance(item, Variant) else None for item in value.payload))
