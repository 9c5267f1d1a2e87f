"""StableHLO: what is written reads back through JAX, and agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import export

import pushforward as pf

from .programs import CALLED, mixture


def run(path: Path, arrays: list[np.ndarray], results: list[np.ndarray]) -> list[np.ndarray]:
    """A portable artefact at some arrays: it takes the place of a module that JAX has exported with the same types."""
    shapes = [jax.ShapeDtypeStruct(result.shape, result.dtype) for result in results]
    with jax.enable_x64(True):

        @jax.jit
        def alike(*xs: jax.Array) -> list[jax.Array]:
            return [jax.numpy.zeros(shape.shape, shape.dtype) + sum(x.sum() for x in xs) for shape in shapes]

        exported = export.export(alike, platforms=("cpu",))(*arrays)
        found = replace(exported, mlir_module_serialized=path.read_bytes())
        return [np.asarray(result) for result in found.call(*arrays)]


@pytest.mark.parametrize("name", CALLED)
def test_the_artefact_agrees_with_the_reference(name: str, tmp_path: Path) -> None:
    case = CALLED[name]()
    paths = pf.build(case.program, tmp_path, sizes=case.sizes, wrt=case.wrt, emit=["stablehlo"])
    assert [path.name for path in paths] == [f"{name}_value.stablehlo", f"{name}_gradient.stablehlo"]
    arrays = [np.asarray(x) for x in case.inputs.values()]
    results = [np.zeros(()), *(np.asarray(case.inputs[one]) for one in case.wrt)]
    if name == "gmm":  # where a place in a triangle is computed, and was not proved to be one, bad indices are counted
        results.append(np.zeros((), np.int64))
    found = run(paths[1], arrays, results)
    if name == "gmm":
        assert found.pop() == 0
    found = np.concatenate([np.ravel(x) for x in found])
    np.testing.assert_allclose(found, case.expected(), rtol=1e-10, atol=1e-10)


def test_the_artefact_names_no_file(tmp_path: Path) -> None:
    case = mixture()
    for path in pf.build(case.program, tmp_path, sizes=case.sizes, wrt=case.wrt, emit=["stablehlo"]):
        assert b".py" not in path.read_bytes() and b"lower" not in path.read_bytes()


def test_inputs_that_do_not_matter_stay(tmp_path: Path) -> None:
    program = pf.parse("def f(x: [2]f64, k: i64, y: f64): f64 = sum(x) + 0.0 * f64(k)")["f"]
    paths = pf.build(program, tmp_path, emit=["stablehlo"])
    arrays = [np.array([1.0, 2.0]), np.array(7), np.array(3.0)]
    value, *grads = run(paths[1], arrays, [np.zeros(()), np.zeros(2), np.zeros(())])
    assert value == 3.0 and grads[0].tolist() == [1.0, 1.0] and grads[1] == 0.0
