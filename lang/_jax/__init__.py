"""The one package that touches what JAX does not promise: jaxprs of functions enter, primitives of our own leave.

`jaxprs` asks for the jaxpr of a function and reads it by names, types and parameters; `sizes` turns open sizes both
ways; `rules` traces the derivatives that users gave; `primitives` declares the two primitives that carry programs
through the transformations of JAX; `portable`, which is loaded when it is asked for, exports StableHLO. What the rest
of the product uses of the others stands here.
"""

from .jaxprs import (
    DECISIONS,
    KEY_WORDS,
    READS_ONE_TRIANGLE,
    definition,
    function_name,
    implementation,
    is_concrete,
    is_inexact,
    is_key,
    is_small,
    is_wide,
    jaxpr_of,
    place,
    scan_counts,
    slot_type,
    unwrapped,
    width,
    without_references,
)
from .primitives import LinearMap, Meaning, Pair, alike, is_own, pair
from .rules import custom_rule, equation_function, over_lanes
from .sizes import OPEN, is_undecided, open_size, size_of, with_sizes

__all__ = [
    "DECISIONS",
    "KEY_WORDS",
    "OPEN",
    "READS_ONE_TRIANGLE",
    "LinearMap",
    "Meaning",
    "Pair",
    "alike",
    "custom_rule",
    "definition",
    "equation_function",
    "function_name",
    "implementation",
    "is_concrete",
    "is_inexact",
    "is_key",
    "is_own",
    "is_small",
    "is_undecided",
    "is_wide",
    "jaxpr_of",
    "open_size",
    "over_lanes",
    "pair",
    "place",
    "scan_counts",
    "size_of",
    "slot_type",
    "unwrapped",
    "width",
    "with_sizes",
    "without_references",
]
