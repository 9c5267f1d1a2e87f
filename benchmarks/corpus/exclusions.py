"""Public callables that are not in the denominator, each with the reason: no argument of theirs is an array of floats,
or JAX itself cannot trace them over one.
"""

from __future__ import annotations

INTEGERS = "takes integers or booleans only"
TYPES = "works on dtypes and shapes, not on arrays"
NOT_AN_ARRAY = "the result is a Python value read off the type of the argument, not an array"
PRINTING = "prints, or sets how arrays are printed"
FILES = "reads or writes files, buffers or text"
COLLECTIVE = "communicates between devices inside shard_map only: JAX cannot trace it over an axis of vmap"
SHAPE_FROM_VALUES = "the shape of the result depends on values: JAX refuses to trace it"
STATIC = "takes its numbers as Python values: JAX refuses to trace it"
RANDOM = "the result is not determined by the arguments"
ANNOTATION = "an alias for annotations, not a function"
TOKENS = "makes tokens that order effects, not arrays"
MESH = "places arrays on a mesh of devices"


def listed(reason: str, names: str) -> dict[str, str]:
    """One reason for several names."""
    return dict.fromkeys(names.split(), reason)


COMPLEX = "takes complex numbers only"

NN = {
    **listed(INTEGERS, "one_hot"),
    **listed("makes a configuration object", "get_scaled_dot_general_config"),
    **listed("multiplies blocks of 8-bit floats with scales; JAX has no such thing for f64", "scaled_matmul"),
}

NUMPY = {
    **listed(
        INTEGERS,
        "bartlett bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or "
        "bitwise_right_shift bitwise_xor blackman diag_indices eye gcd hamming hanning identity indices invert lcm "
        "left_shift mask_indices packbits ravel_multi_index right_shift tri tril_indices triu_indices unpackbits "
        "unravel_index",
    ),
    **listed(TYPES, "broadcast_shapes can_cast isdtype issubdtype promote_types result_type"),
    **listed(TYPES, "empty ones zeros"),
    **listed("plans an einsum; the result is no array", "einsum_path"),
    **listed(NOT_AN_ARRAY, "iscomplexobj isrealobj isscalar iterable ndim shape size"),
    **listed(PRINTING, "array_repr array_str get_printoptions printoptions set_printoptions"),
    **listed(FILES, "from_dlpack frombuffer fromfile fromiter fromstring load save savez"),
    **listed(SHAPE_FROM_VALUES, "arange trim_zeros"),
}

LAX = {
    **listed(
        INTEGERS,
        "bitwise_and bitwise_not bitwise_or bitwise_xor clz mulhi population_count reduce_and reduce_or reduce_xor "
        "rng_bit_generator shift_left shift_right_arithmetic shift_right_logical",
    ),
    **listed(
        TYPES,
        "broadcast_shapes broadcasted_iota conv_dimension_numbers conv_general_permutations conv_general_shape_tuple "
        "conv_shape_tuple conv_transpose_shape_tuple dtype empty iota padtype_to_pads reduce_window_shape_tuple "
        "shape_as_value",
    ),
    **listed(
        COLLECTIVE,
        "pbroadcast pcast precv psend ragged_all_to_all",
    ),
    **listed("takes the name of an axis, no array", "axis_index axis_size"),
    **listed(COMPLEX, "imag real"),
    **listed(ANNOTATION, "ConvGeneralDilatedDimensionNumbers DotDimensionNumbers PrecisionLike"),
    **listed(TOKENS, "after_all create_token"),
    **listed(MESH, "with_sharding_constraint"),
    **listed(RANDOM, "rng_uniform"),
}

UNDER_SHARD_MAP = "stands inside shard_map only, where JAX marks or moves data between devices"
INSIDE_JAX = "no public function applies it to floats: JAX uses it inside its own rules or lowerings"
FOREIGN = "calls code that JAX cannot differentiate: its rule raises"
EXPERIMENTAL = "belongs to an experimental interface that is not public"

PRIMITIVES: dict[str, str] = {
    **listed(
        UNDER_SHARD_MAP,
        "all_gather all_gather_invariant all_gather_reduced all_to_all pbroadcast ppermute preduced "
        "pbroadcast_dynamic psum_invariant pvary ragged_all_to_all reduce_scatter reduced_vary_cast "
        "reduced_vary_cast_p reshard unreduced_psum unreduced_reduce_scatter vary_unreduced_cast vary_unreduced_cast_p",
    ),
    **listed(
        INSIDE_JAX,
        "accum_grad_in_ref check empty_ref eq_to eval_jaxpr free_ref from_edtype run_state stage tie to_edtype",
    ),
    **listed(FOREIGN, "ffi_call io_callback pure_callback"),
    **listed(EXPERIMENTAL, "box_get box_set call_hi_primitive log_extend log_read new_box new_log"),
    **listed(
        "looks at or asks for the layout of an array in memory",
        "inspect_sharding layout_constraint relayout with_memory_space_constraint",
    ),
}

EXCLUDED: dict[str, str] = {
    **{f"nn.{name}": reason for name, reason in NN.items()},
    **{f"numpy.{name}": reason for name, reason in NUMPY.items()},
    **listed(INTEGERS, "scipy.special.bernoulli"),
    **{f"lax.{name}": reason for name, reason in LAX.items()},
}
