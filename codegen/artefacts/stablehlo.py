"""StableHLO: a function of a library enters, a portable artefact leaves, which runtimes of XLA read without Python."""

from __future__ import annotations

from ...lang._jax.portable import portable_artefact
from ...lang.ir import as_array
from ..xla.compile import to_jax_function
from .library import Function


def portable(function: Function) -> bytes:
    """The XLA form of a function, for the CPU: arrays in the order of the header and of its types and shapes enter, the
    results leave; the number of bad indices is the last one where the program counts them."""
    return portable_artefact(to_jax_function(function.program), [as_array(t) for t in function.program.inputs])
