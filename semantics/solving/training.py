"""Training: a squared residual and first parameters enter, trained parameters and the history of the loss leave.

Steps run inside one compiled loop whose bounds are arguments, so that the number of steps per call changes neither the
code nor the numbers. All random numbers of a step are made of its number, and the optimiser is part of the state: a
training that is taken up from a checkpoint ends in the same bits.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ...lang.diagnostics import fail
from . import checkpoints
from .checkpoints import Saved

Row = tuple[int, float, float | None]  # step, mean loss of the steps since the last row, error
PATIENCE = 0.5  # seconds of one call of the loop, so that a progress bar moves


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained.

    ``loss(parameters, key, point)`` is the squared residual at a point, ``draw(key)`` a random point,
    ``measure(parameters)`` the error on points that training does not see.
    """

    loss: Callable[[Any, Any, Any], Any]
    draw: Callable[[Any], Any]
    parameters: Any
    optimizer: Any
    measure: Callable[[Any], float | None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How it is trained; `words` are further settings that a checkpoint must share."""

    steps: int
    batch: int
    every: int
    seed: int
    checkpoint: Path | None = None
    words: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """Trained parameters, the rows of the history, and seconds per step (None when nothing was left to do)."""

    parameters: Any
    history: tuple[Row, ...]
    seconds: float | None


Watch = Callable[[int, float, float], None]  # steps that are done, the last loss, seconds per step


def train(task: Task, schedule: Schedule, watch: Watch) -> Trained:
    """Run the steps that are left, from the checkpoint where there is one.

    Raises E238 when a loss is not finite, E239 when the batch does not divide over the devices, E240 and E241 for
    checkpoints.
    """
    state = jax.tree_util.tree_map(jnp.asarray, (task.parameters, task.optimizer.init(task.parameters)))
    leaves, tree = jax.tree_util.tree_flatten(state)
    folder = schedule.checkpoint
    saved = None
    if folder is not None:
        checkpoints.prepare(folder)
        saved = checkpoints.restore(folder, schedule.words, leaves)
    loop = _compiled(task, schedule, state)
    if folder is not None and saved is not None:
        checkpoints.compare(folder, {"program": saved.program}, {"program": loop.digest})
    saved = saved or Saved(0, leaves, [], loop.digest)
    state = jax.tree_util.tree_unflatten(tree, [jnp.array(leaf) for leaf in saved.leaves])
    state = on_all_devices(state)
    rows, step, pace = list(saved.history), saved.step, _Pace()
    last_saved = saved.step if saved.step else None
    while step < schedule.steps:
        stop = min(step + schedule.every - step % schedule.every, schedule.steps)
        losses = jnp.zeros(schedule.every)
        begin = step
        while step < stop:
            (state, losses), step = pace.run(loop.call, (state, losses), step, stop)
            loss = float(losses[(step - 1) % schedule.every])
            if not math.isfinite(loss):
                raise _not_finite(f"the loss of step {step} is {loss}", folder, last_saved)
            watch(step, loss, pace.seconds or 0.0)
        if not _all_finite(state[0]):
            raise _not_finite(f"a parameter after step {step} is not finite", folder, last_saved)
        rows.append((step, float(np.asarray(losses)[: step - begin].mean()), task.measure(state[0])))
        if folder is not None:
            found = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(state)]
            checkpoints.save(folder, Saved(step, found, rows, loop.digest), schedule.words)
            last_saved = step
    return Trained(state[0], tuple(rows), pace.mean)


def _mesh() -> Mesh:
    return Mesh(np.array(jax.devices()), ("batch",))


def on_all_devices(tree: Any) -> Any:
    """The same arrays, whole on every device."""
    return jax.device_put(tree, NamedSharding(_mesh(), PartitionSpec()))


@jax.jit
def _all_finite(parameters: Any) -> Any:
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree_util.tree_leaves(parameters)]))


@dataclass(frozen=True, slots=True)
class _Loop:
    """The compiled loop, and a digest of what it computes."""

    call: Callable[..., Any]
    digest: str


class _Pace:
    """Calls the loop for as many steps as take about half a second."""

    def __init__(self) -> None:
        self.seconds: float | None = None  # per step, in the last call
        self.total, self.steps = 0.0, 0

    @property
    def mean(self) -> float | None:
        """Seconds per step over all calls."""
        return self.total / self.steps if self.steps else None

    def run(self, call: Callable[..., Any], carry: Any, start: int, stop: int) -> tuple[Any, int]:
        count = 1 if self.seconds is None else max(1, int(PATIENCE / max(self.seconds, 1e-9)))
        begin = time.perf_counter()
        carry, reached = call(carry, np.int32(start), np.int32(min(stop, start + count)))
        reached = int(reached)
        elapsed = time.perf_counter() - begin
        self.total, self.steps = self.total + elapsed, self.steps + reached - start
        self.seconds = elapsed / (reached - start)
        return carry, reached


def _compiled(task: Task, schedule: Schedule, state: Any) -> _Loop:
    """The loop over steps for the devices there are; points of a step are spread over them."""
    mesh = _mesh()
    if schedule.batch % mesh.size:
        hint = f"for example {-(-schedule.batch // mesh.size) * mesh.size}"
        message = f"a batch of {schedule.batch} points does not divide over {mesh.size} devices"
        raise fail("E239", message, expected=f"a multiple of {mesh.size}", hint=hint)
    spread, whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("batch",), ()))
    root = jax.random.key(schedule.seed)

    def mean_loss(parameters: Any, key: Any) -> Any:
        keys = jax.lax.with_sharding_constraint(jax.random.split(key, 2 * schedule.batch), spread)
        keys = keys.reshape(schedule.batch, 2)
        points = jax.vmap(task.draw)(keys[:, 0])
        return jnp.mean(jax.vmap(task.loss, (None, 0, 0))(parameters, keys[:, 1], points))

    def one(carry: Any) -> Any:
        (parameters, memory), losses, number, stop, _ = carry
        loss, slope = jax.value_and_grad(mean_loss)(parameters, jax.random.fold_in(root, number))
        change, memory = task.optimizer.update(slope, memory, parameters)
        parameters = jax.tree_util.tree_map(jnp.add, parameters, change)
        losses = losses.at[number % schedule.every].set(loss.astype(losses.dtype))
        return (parameters, memory), losses, number + 1, stop, loss

    def loop(carry: Any, start: Any, stop: Any) -> Any:
        first = (*carry, start, stop, jnp.zeros((), carry[1].dtype))
        found = jax.lax.while_loop(lambda c: (c[2] < c[3]) & jnp.isfinite(c[4]), one, first)
        return found[:2], found[2]

    like = jax.tree_util.tree_map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=whole), state)
    losses = jax.ShapeDtypeStruct((schedule.every,), jnp.result_type(float), sharding=whole)
    number = jax.ShapeDtypeStruct((), np.int32, sharding=whole)
    traced = jax.jit(loop, donate_argnums=0, out_shardings=whole).trace((like, losses), number, number)
    lowered = traced.lower()
    return _Loop(lowered.compile(), _digest(traced, lowered.as_text(), task.parameters))


def _digest(traced: Any, text: str, parameters: Any) -> str:
    """A hash of the code of the loop, the arrays it closes over and the first parameters."""
    found = hashlib.blake2b(text.encode(), digest_size=16)
    for array in (*traced.jaxpr.consts, *jax.tree_util.tree_leaves(parameters)):
        is_key = jnp.issubdtype(jnp.asarray(array).dtype, jax.dtypes.prng_key)
        found.update(np.ascontiguousarray(jax.random.key_data(array) if is_key else array).data)
    return found.hexdigest()


def _not_finite(what: str, folder: Path | None, last: int | None) -> Exception:
    kept = f"the last finite state, of step {last}, is in {folder}" if last else "no earlier state was kept"
    hint = "try a smaller learning rate, more probes, dtype='f64', or look at source and weight where they are singular"
    return fail("E238", f"{what}; {kept}", hint=hint)
