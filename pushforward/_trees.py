"""Structures of Python: a value (a number, an array, a tuple, a model object) enters, a type and flat arrays leave.

Dicts with text keys are records and tuples are tuples, as in the language. Every other container that JAX knows keeps
its own class: its type is a tuple whose `node` takes values apart and builds them again. What is no array at all (a
text, a function, None) belongs to the structure and has no slots.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from .lang import _jax
from .lang.diagnostics import fail
from .lang.ir import ArrayType
from .lang.types import Record, Scalar, Tuple, Type, array


@dataclass(frozen=True, slots=True)
class Container:
    """One level of a container registered with JAX."""

    tree: Any

    def parts(self, value: Any) -> Sequence[Any]:
        return self.tree.flatten_up_to(value)

    def build(self, parts: Sequence[Any]) -> Any:
        return self.tree.unflatten(parts)


@dataclass(frozen=True, slots=True)
class Static:
    """A value that is no array: it belongs to the structure."""

    value: Any

    def parts(self, value: Any) -> Sequence[Any]:
        return ()

    def build(self, parts: Sequence[Any]) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class Key:
    """Random keys: one array of words inside, a key array outside."""

    def parts(self, value: Any) -> Sequence[Any]:
        return (jax.random.key_data(value),)

    def build(self, parts: Sequence[Any]) -> Any:
        return jax.random.wrap_key_data(jax.numpy.asarray(parts[0]))


def is_array(value: Any) -> bool:
    """Whether a leaf of a structure is an array, or describes one."""
    return isinstance(value, jax.Array | np.ndarray | np.generic | float | int | jax.ShapeDtypeStruct)


def type_of(value: Any) -> Type:
    """The type of a value of Python; arrays have their own dtype and a known shape.

    >>> from .lang.types import show_type
    >>> show_type(type_of({"w": np.zeros((2, 3), np.float32), "b": [np.float32(1.0), None]}))
    '{b: (f32, ()), w: [2, 3]f32}'
    """
    if is_array(value):
        return _array_type(value)
    if type(value) is dict and all(isinstance(name, str) for name in value):
        return Record(tuple((name, type_of(value[name])) for name in sorted(value)))
    if type(value) is tuple:
        return Tuple(tuple(type_of(item) for item in value))
    parts, tree = jax.tree_util.tree_flatten(value, is_leaf=lambda inner: inner is not value)
    if jax.tree_util.treedef_is_leaf(tree) and len(parts) == 1 and parts[0] is value:
        return Tuple((), Static(value))
    return Tuple(tuple(type_of(part) for part in parts), Container(tree))


def _array_type(value: Any) -> Type:
    aval = value if isinstance(value, jax.ShapeDtypeStruct) else _typeof(value)
    slot = _jax.slot_type(aval)
    if _jax.is_key(aval):
        return Tuple((array(slot.shape, Scalar(slot.dtype)),), Key())
    return array(slot.shape, Scalar(slot.dtype))


def _typeof(value: Any) -> Any:
    """The type of an array as it stands; a NumPy array keeps its width, a Python number takes the width of JAX."""
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "fiubV":
            raise fail("E203", f"an array of {value.dtype}", hint="give real numbers, integers or truth values")
        return jax.ShapeDtypeStruct(value.shape, jax.dtypes.canonicalize_dtype(value.dtype))
    return jax.typeof(value)


def flatten(value: Any, type_: Type) -> Iterator[Any]:
    """The arrays of a value of a type, keys as words."""
    match type_:
        case Tuple(items, None):
            for part, item in zip(value, items, strict=True):
                yield from flatten(part, item)
        case Tuple(items, node) if node is not None:
            for part, item in zip(node.parts(value), items, strict=True):
                yield from flatten(part, item)
        case Record(fields):
            for name, item in fields:
                yield from flatten(value[name], item)
        case _:
            yield value


def lanes(args: Sequence[Any], in_axes: int | None | Sequence[int | None]) -> tuple[Any, ...]:
    """The types of arguments of one lane, from those of a batch."""
    axes = [in_axes] * len(args) if in_axes is None or isinstance(in_axes, int) else list(in_axes)
    if len(axes) != len(args):
        hint = "give one number for all inputs, or one per input"
        raise fail("E185", f"in_axes has {len(axes)} entries for {len(args)} inputs", hint=hint)
    return tuple(
        value if axis is None else jax.tree_util.tree_map(lambda leaf, at=axis: _lane(leaf, at), value)
        for value, axis in zip(args, axes, strict=True)
    )


def _lane(leaf: Any, axis: int) -> Any:
    if not is_array(leaf):
        return leaf
    aval = leaf if isinstance(leaf, jax.ShapeDtypeStruct) else jax.typeof(leaf)
    rank = len(aval.shape)
    if not -rank <= axis < rank:
        raise fail("E185", f"there is no axis {axis} in an array of {rank} axes for vmap", hint="axes count from 0")
    return jax.ShapeDtypeStruct((*aval.shape[: axis % rank], *aval.shape[axis % rank + 1 :]), aval.dtype)


def abstract(types: Sequence[ArrayType]) -> list[Any]:
    """What tracing is given for slots of these types."""
    from .lang.constants import numpy_dtype

    return [jax.ShapeDtypeStruct(tuple(map(_jax.open_size, type_.shape)), numpy_dtype(type_.dtype)) for type_ in types]
