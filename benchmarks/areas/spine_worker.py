"""Values and gradients of all entries in a process of its own, in which something is taken away.

Run as `python -m benchmarks.areas.spine_worker MODE ROOT SEED`; a JSON object from entry to what it gave is the last
line of stdout. MODE ``without-jax`` makes `import jax` fail and runs the reference, with the adjoint test as well; MODE
``without-rules`` makes JAX's derivatives and its rule tables raise and runs XLA; MODE ``passes`` takes nothing away and
times our passes, whose caches a fresh process has empty.
"""

from __future__ import annotations

import importlib
import importlib.abc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from pushforward import _wire
from pushforward.ad.derive import value_and_gradient
from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.lang.ir import ArrayType, Program
from pushforward.semantics.reference import evaluate

from .spine_entries import Entry, draw, entries, float_slots

DERIVATIVES = ("grad", "value_and_grad", "vjp", "jvp", "linearize", "jacfwd", "jacrev", "hessian", "linear_transpose")
INTERNALS = ("jvp", "vjp", "linearize", "backward_pass", "backward_pass3", "linear_transpose")
TABLES = ("primitive_jvps", "primitive_transposes", "primitive_linearizations", "fancy_transposes")


class NoJax(importlib.abc.MetaPathFinder):
    """Refuses to find jax."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname.partition(".")[0] in ("jax", "jaxlib"):
            raise ImportError(f"{fullname} is taken away")


class Rules(dict[Any, Any]):
    """A rule table that can be filled but not read."""

    def _refuse(self, *_: object) -> NoReturn:
        raise AssertionError("a rule table of JAX was read")

    __getitem__ = get = __contains__ = __iter__ = keys = values = items = _refuse


def refuse(*_: object, **__: object) -> NoReturn:
    """Stands in for every derivative of JAX."""
    raise AssertionError("a derivative of JAX was called")


def without_jax() -> None:
    """Make `import jax` fail from here on."""
    if "jax" in sys.modules:
        raise RuntimeError("jax was imported before it could be taken away")
    sys.meta_path.insert(0, NoJax())


def without_rules() -> int:
    """Replace JAX's derivatives and rule tables; the number of names replaced."""
    jax = importlib.import_module("jax")
    tables = [importlib.import_module(name) for name in ("jax.interpreters.ad", "jax._src.interpreters.ad")]
    jet = importlib.import_module("jax.experimental.jet")
    api = importlib.import_module("jax._src.api")
    places = [(jax, DERIVATIVES), (api, DERIVATIVES), (jet, ("jet",)), *((table, INTERNALS) for table in tables)]
    count = 0
    for module, names in places:
        for name in names:
            if name in vars(module):
                setattr(module, name, refuse)
                count += 1
    for name in (*TABLES, "jet_rules"):
        for module in (*tables, jet):
            if name in vars(module):
                vars(module)[name].clear()
                setattr(module, name, Rules())
                count += 1
    return count


def dot_error(program: Program, point: Sequence[Any], seed: int) -> float:
    """|<u, J v> - <J^T u, v>| over the sum of |terms| for random u and v, in the reference."""
    rng = np.random.default_rng(seed)
    slots = float_slots(program)
    active = tuple(slot in slots for slot in range(len(program.inputs)))
    x_dot = [rng.standard_normal(np.shape(point[slot])) for slot in slots]
    count = len(program.outputs)
    y_dot = evaluate(forward(program, active), [*point, *x_dot])[count:]
    y_bar = [rng.standard_normal(np.shape(y)) for y in y_dot]
    x_bar = evaluate(reverse(program, active), [*point, *y_bar])[count:]
    pushed = [np.asarray(u * v).ravel() for u, v in zip(y_bar, y_dot, strict=True)]
    pulled = [np.asarray(u * v).ravel() for u, v in zip(x_bar, x_dot, strict=True)]
    left, right = np.concatenate(pushed), np.concatenate(pulled)
    scale = max(np.abs(left).sum(), np.abs(right).sum())
    return float(abs(left.sum() - right.sum()) / scale) if scale else 0.0


def outcome(entry: Entry, mode: str, seed: int) -> dict[str, Any]:
    """Value and gradient of the small instance as one list, or the error in words."""
    try:
        program = entry.first("small")
        point = draw(program, seed)
        both = value_and_gradient(program, float_slots(program))
        assert all(isinstance(type_, ArrayType) for type_ in both.output_types)
        if mode == "without-jax":
            return {"vector": flat(evaluate(both, point)), "dot": dot_error(program, point, seed)}
        from pushforward.codegen.xla.compile import compile_xla

        return {"vector": flat(compile_xla(both)(point))}
    except Exception as error:  # what breaks one entry must not hide the others
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def seconds(entry: Entry) -> dict[str, Any]:
    """Wall time from a checked definition to the optimised value-and-gradient program at the large sizes."""
    from pushforward.codegen.xla.pipeline import optimise

    start = time.perf_counter()
    first = _wire.first_order(entry.program.ir, entry.program.definitions, entry.sizes("large"))
    optimise(value_and_gradient(first, float_slots(first)))
    return {"seconds": time.perf_counter() - start}


def flat(leaves: Sequence[Any]) -> list[float]:
    """All elements in order."""
    return np.concatenate([np.ravel(np.asarray(leaf, np.float64)) for leaf in leaves]).tolist()


def main(mode: str, root: str, seed: str) -> None:
    """Print what every entry gave."""
    if mode == "without-jax":
        without_jax()
    elif mode == "passes":
        print(json.dumps({entry.id: seconds(entry) for entry in entries(Path(root))}))
        return
    elif without_rules() < len(DERIVATIVES):
        raise RuntimeError("the derivatives of JAX were not found, so they could not be taken away")
    print(json.dumps({entry.id: outcome(entry, mode, int(seed)) for entry in entries(Path(root))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
