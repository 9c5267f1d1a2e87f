"""Functions of JAX as bytes: a function of arrays enters, StableHLO in its portable form leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import export
from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from ..constants import numpy_dtype
from ..ir import ArrayType


def portable_artefact(function: Callable[..., Any], inputs: Sequence[ArrayType]) -> bytes:
    """A function at arrays of known shapes, exported by JAX for the CPU, in a version that releases of the last twelve
    weeks read. Places in source files, which JAX notes, are left out."""
    with jax.enable_x64(True):
        shapes = [jax.ShapeDtypeStruct(type_.shape, numpy_dtype(type_.dtype)) for type_ in inputs]
        exported = export.export(jax.jit(function, keep_unused=True), platforms=("cpu",))(*shapes)
    with mlir.make_ir_context() as context:
        text = str(ir.Module.parse(exported.mlir_module(), context).operation.get_asm(enable_debug_info=False))
        version = stablehlo.get_version_from_compatibility_requirement(
            stablehlo.StablehloCompatibilityRequirement.WEEK_12
        )
        return stablehlo.serialize_portable_artifact_str(text, version)
