"""Control in jaxprs: calls, loops, branches and custom rules become calls, folds, branches and programs with rules.

The loop of ``while_loop`` has no bound, so it can be run and pushed forward but not reversed, as in JAX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _jax
from ..builder import Builder
from ..deferred import Deferred
from ..diagnostics import fail
from ..ir import I64, UNBOUNDED, Program, as_array
from . import foreign
from .rule import Equation, Rule

SHORT = 12  # calls of fewer steps are written out, so that texts stay readable

_JIT = (
    "in_shardings out_shardings in_layouts out_layouts donated_invars ctx_mesh keep_unused inline compiler_options_kvs "
    "resource_env"
).split()


# --- calls -----------------------------------------------------------------------------------------------------------


def _jit(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    """A call of a named function, or its steps when there are few."""
    name, closed = str(e["name"]), e["jaxpr"]
    if not name or name[0] in "_<" or _is_short(closed):
        return e.onto(b, closed, x)
    return b.call(e.program(closed, name), x)


def _is_short(closed: Any) -> bool:
    """Whether a jaxpr has few equations, those of calls inside included."""
    count, waiting = 0, [closed]
    while waiting and count < SHORT:
        inner = waiting.pop()
        equations = getattr(inner, "jaxpr", inner).eqns
        count += len(equations)
        waiting += [equation.params["jaxpr"] for equation in equations if equation.primitive.name in ("jit", "pjit")]
    return count < SHORT


def _inline(parameter: str) -> Any:
    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
        return b.inline(e.program(e[parameter]), x)

    return write


def _own_call(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    program = e["program"]
    return b.call(program, x) if program.rules else b.inline(program, x)


def _own_linear(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    return b.inline(e["map"].program(), x)


def _identity(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    return x


# --- custom rules ----------------------------------------------------------------------------------------------------


def _custom(kind: str, parameter: str) -> Any:
    """A call of the function with the rule of its user, which is traced when a derivative asks for it."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
        body = e.program(e[parameter])
        equation, wide, left = e.source, _jax.is_wide(), foreign.current()
        name = _jax.function_name(e[parameter])

        def rule() -> Program:
            with _jax.width(wide), foreign.leaving(left):  # rules inside the rule are noted with the same width
                return e.program(_rule_jaxpr(equation, kind, name, e), f"{kind} of {name}")

        unit = Builder(name, body.inputs)
        outputs = unit.inline(body, range(len(body.inputs)))
        return b.call(unit.build(outputs, rules=((kind, Deferred((kind, name), rule)),)), x)

    return write


def _rule_jaxpr(equation: Any, kind: str, name: str, e: Equation) -> Any:
    try:
        found = _jax.custom_rule(equation, kind)
    except (TypeError, ValueError) as error:  # how JAX says that a rule does not fit its function
        first = str(error).strip().splitlines()[0]
        hint = "a rule gives tangents of the type of the result, or cotangents of the types of the arguments"
        raise fail("E207", f"the {kind} rule of `{name}` does not fit: {first}", e.span, hint=hint) from error
    if not all(map(_jax.is_concrete, found.consts)):
        why = f"has a {kind} rule that closes over a traced value"
        raise e.refuse(why, f"give that value to `{name}` as an argument, not as a nondiff_argnum or from outside")
    return found


# --- loops and branches ----------------------------------------------------------------------------------------------


def _scan(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    consts, carries = _jax.scan_counts(e.params)
    body = e.program(e["jaxpr"])
    captures, initial, arrays = x[:consts], x[consts : consts + carries], x[consts + carries :]
    # Our bodies take (captures, elements, carry, index), those of JAX (captures, carry, elements).
    types = body.inputs
    order = [*types[:consts], *types[consts + carries :], *types[consts : consts + carries], I64]
    inner = Builder(body.name, order)
    elements = range(consts, consts + len(arrays))
    carried = range(consts + len(arrays), consts + len(arrays) + carries)
    program = inner.build(inner.inline(body, [*range(consts), *carried, *elements]))
    extras = ["stack"] * (len(program.outputs) - carries)
    return b.fold(e["length"], captures, arrays, initial, program, extras, reverse=bool(e["reverse"]))


def _while(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    first, second = int(e["cond_nconsts"]), int(e["body_nconsts"])
    condition, body = e.program(e["cond_jaxpr"]), e.program(e["body_jaxpr"])
    captures, initial = x[: first + second], x[first + second :]
    types = [b.array_type(slot) for slot in x]
    test = Builder("condition", types)
    going = test.build(test.inline(condition, [*range(first), *range(first + second, len(x))]))
    inner = Builder(body.name, [*types, I64])
    program = inner.build(inner.inline(body, range(first, len(x))))
    if as_array(condition.output_types[0]).shape:
        going, program = _by_lanes(going, program, first + second)
    return b.fold(UNBOUNDED, captures, [], initial, program, condition=going)


def _by_lanes(condition: Program, body: Program, captures: int) -> tuple[Program, Program]:
    """A loop that JAX has batched: it runs while some lane does, and a lane whose condition fails keeps its state.

    The axes of the condition are the leading ones of the state.
    """
    test = Builder("condition", condition.inputs)
    (lanes,) = test.inline(condition, range(len(condition.inputs)))
    rank = as_array(condition.output_types[0]).rank
    some = test.build([test.apply("reduce_any", lanes, axes=tuple(range(rank)))])
    inner = Builder(body.name, body.inputs)
    (going,) = inner.inline(condition, range(len(condition.inputs)))
    moved = inner.inline(body, range(len(body.inputs)))
    kept = [
        inner.apply("where", inner.broadcast(going, inner.array_type(new).shape, tuple(range(rank))), new, old)
        for new, old in zip(moved, range(captures, len(condition.inputs)), strict=True)
    ]
    return some, inner.build(kept)


def _cond(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    arms = [e.program(branch, f"arm {number}") for number, branch in enumerate(e["branches"])]
    selector = _selector(b, x[0], len(arms))
    return b.branch(selector, x[1:], arms)


def _selector(b: Builder, slot: int, arms: int) -> int:
    """The number of the arm, kept in range as JAX does; a truth value for two arms."""
    type_ = b.array_type(slot)
    if type_.dtype == "bool":
        return slot
    if arms == 2:
        return b.apply("gt", slot, b.constant(0, type_.dtype))
    low, high = b.constant(0, type_.dtype), b.constant(arms - 1, type_.dtype)
    kept = b.apply("minimum", b.apply("maximum", slot, low), high)
    return b.apply("convert", kept, dtype="i64") if type_.dtype != "i64" else kept


def _platform(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    platforms = tuple(tuple(group) if group is not None else () for group in e["platforms"])
    found = b.apply("platform_index", platforms=platforms)
    return b.apply("convert", found, dtype=e.outputs[0].dtype)


def _over_all(primitive: str) -> Any:
    """A reduction of everything; equinox has such primitives for conditions of loops, which lanes share."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        return b.apply(primitive, x[0], axes=tuple(range(e.inputs[0].rank)))

    return write


def _refused(why: str, hint: str) -> Any:
    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        raise e.refuse(why, hint)

    return write


_CALLBACK = _refused("calls Python back while the program runs", "compute the value outside, and pass it in")
_COLLECTIVE = _refused(
    "speaks with other devices", "trace the function inside `shard_map`, not `shard_map` itself: use pf.jit inside it"
)
_REFERENCE = _refused("uses a mutable reference", "write the function without references")


def _implemented(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    return e.onto(b, _jax.implementation(e.source), x)


def _remembering(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    """The function together with what its custom rule remembers, after JAX has differentiated it."""
    return e.onto(b, e["fwd_jaxpr"], x)


def _written_out(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    """What JAX keeps as one step but defines by others (`searchsorted`, `ldexp` and the like)."""
    closed = _jax.definition(e.source)
    if closed is None:
        raise e.refuse(f"applies {type(e['_prim']).__name__}", "use functions of jax.numpy, or jax.custom_jvp")
    return e.onto(b, closed, x)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("jit", "pjit"), Rule(_jit, ("jaxpr", "name"), tuple(_JIT))),
    "closed_call": Rule(_inline("call_jaxpr"), ("call_jaxpr",)),
    "core_call": Rule(_inline("call_jaxpr"), ("call_jaxpr",), ("name",)),
    **dict.fromkeys(
        ("remat2", "checkpoint", "remat_opt"),
        Rule(_inline("jaxpr"), ("jaxpr",), ("prevent_cse", "differentiated", "policy")),
    ),
    "composite": Rule(_inline("jaxpr"), ("jaxpr",), ("name", "attributes", "version")),
    "custom_vmap_call": Rule(_inline("call"), ("call",), ("rule", "in_tree", "out_tree")),
    "custom_jvp_call": Rule(
        _custom("jvp", "call_jaxpr"), ("call_jaxpr",), ("jvp_jaxpr_fun", "num_consts", "symbolic_zeros")
    ),
    "custom_vjp_call": Rule(
        _custom("vjp", "call_jaxpr"),
        ("call_jaxpr",),
        ("fwd_jaxpr_thunk", "num_consts", "bwd", "out_trees", "symbolic_zeros"),
    ),
    "custom_vjp_call_jaxpr": Rule(
        _custom("vjp", "fun_jaxpr"),
        ("fun_jaxpr",),
        ("fwd_jaxpr_thunk", "num_consts", "bwd", "out_trees", "symbolic_zeros"),
    ),
    "scan": Rule(
        _scan,
        ("jaxpr", "length", "reverse", "num_consts", "num_carry", "ft_in"),
        ("unroll", "linear", "_split_transpose", "ft_out"),
    ),
    "while": Rule(_while, ("cond_jaxpr", "cond_nconsts", "body_jaxpr", "body_nconsts")),
    "cond": Rule(_cond, ("branches",), ("linear", "branches_platforms")),
    "platform_index": Rule(_platform, ("platforms",), ("has_default",)),
    "pf_call": Rule(_own_call, ("program",)),
    "pf_linear": Rule(_own_linear, ("map",)),
    "unvmap_any": Rule(_over_all("reduce_any")),
    "unvmap_all": Rule(_over_all("reduce_all")),
    "unvmap_max": Rule(_over_all("reduce_max")),
    "nonbatchable": Rule(_identity, strict=False),  # forbids lanes; its parameters are messages
    "dim_as_value": Rule(lambda b, e, x: b.apply("convert", b.size(e["dim"]), dtype=e.outputs[0].dtype), ("dim",)),
    "remat_opt": Rule(_remembering, ("num_consts", "num_res", "fwd_jaxpr"), ("fun_jaxpr_thunk",)),
    # Equinox's loops write their buffers so; their own derivative leaves out what writing each place once makes zero.
    "maybe_set": Rule(_implemented, strict=False),
    "select_if_vmap": Rule(lambda b, e, x: b.apply("where", *x)),
    "call_hi_primitive": Rule(_written_out, ("_prim",)),
    "optimization_barrier": Rule(_identity),
    "device_put": Rule(_identity, ignores=("devices", "srcs", "copy_semantics")),
    "sharding_constraint": Rule(
        _identity, ignores=("sharding", "layout", "context_mesh", "unconstrained_dims", "resource_env")
    ),
    "layout_constraint": Rule(_identity, ignores=("layout",)),
    "relayout": Rule(_identity, ignores=("dst_layout",)),
    "name": Rule(_identity, ignores=("name",)),
    "pvary": Rule(_identity, ignores=("axes",)),
    "reshard": Rule(_identity, ignores=("dst_sharding", "concrete_mesh")),
    **dict.fromkeys(("pure_callback", "io_callback", "ffi_call"), Rule(_CALLBACK, strict=False)),
    **dict.fromkeys(("debug_callback", "debug_print"), Rule(_CALLBACK, strict=False)),
    **dict.fromkeys(
        ("psum", "all_gather", "ppermute", "all_to_all", "reduce_scatter", "axis_index", "shard_map"),
        Rule(_COLLECTIVE, strict=False),
    ),
    **dict.fromkeys(
        ("run_state", "new_ref", "get", "swap", "addupdate", "empty_ref", "freeze"), Rule(_REFERENCE, strict=False)
    ),
}

