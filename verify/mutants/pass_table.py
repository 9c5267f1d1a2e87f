"""The functions of passes whose every line is mutated, by module, and structural faults written out by hand."""

from __future__ import annotations

# Faults quote whole lines of code.
# ruff: noqa: E501
from collections.abc import Sequence

# Dotted names below `pushforward`; methods as ``Class.method``.
FUNCTIONS: dict[str, Sequence[str]] = {
    "ad.forward": (
        "push _push_step _push_apply _interleaved _record _push_each _push_fold _widened _push_branch _push_call"
    ).split(),
    "ad.rules": (
        "tangent _linear_tangent scaled_by_partial _scaled _chosen cotangents _transpose _by_transposing_tangent "
        "match_shape _plus carries_tangent"
    ).split(),
    "ad.cotangents": (
        "Ledger.add Ledger.parts Ledger.take Ledger.through_gather _by_known_place _put_together _join _concatenate "
        "_flatten scatter"
    ).split(),
    "ad.sweep": "Sweep._forward_step Sweep.run_backward Sweep._backward_apply Sweep._mark Sweep.register".split(),
    "ad.reverse": "sweep_onto transpose".split(),
    "ad.structured.loops": (
        "pull_apart dense contribute LoopBody.primals LoopBody.residuals LoopBody.cotangents outer_cotangents hand_out"
    ).split(),
    "ad.structured.fold": "masked _backward_fold".split(),
    "ad.structured.each": ["_backward_each"],
    "ad.structured.branch": "_padded _backward_branch _common_form _in_form".split(),
    "ad.solutions": "push_solution _minus reverse_solution".split(),
    "ad.custom": "tangent_rule cotangent_rule".split(),
    "ad.checkpoint": "strip_mined _rows _joined _shifted _run_rounds _run_blocks".split(),
    "ad.activity": "result_activity fold_carry_activity".split(),
    "ad.derive": "_gradient hessian_vector jacobian _unit _by_columns _columns_last _by_rows laplacian".split(),
    "ad.full": "push_full _push _push_apply".split(),
    "ad.vmap": ["_freezing"],
    "ad.taylor.shape": "JetShape.mapped staircase below minus plus_each unit splits".split(),
    "ad.taylor.graph": "Graph.derivative Graph.tail Graph.with_base lowered".split(),
    "ad.taylor.rules": "apply_row first_order moved move convolution integral _partial".split(),
    "ad.taylor.exceptions": (
        "_quotient _change _by_factors _solution _root _whole_power _product _power _angle"
    ).split(),
    "ad.taylor.compose": "composed outer _powers".split(),
    "ad.taylor.calls": "call _ruled _dot".split(),
    "ad.taylor.emit": "Emitter.add Emitter.divide Emitter.quotient Emitter.product Emitter.apply_sum".split(),
    "ad.taylor.divide": "fraction_of _sum _spread _part _times".split(),
    "ad.taylor.onehot": "OneHot.at_same_place value without contraction".split(),
    "ad.taylor.sparse": "_entry _shifted _broadcast _reshape".split(),
    "ad.taylor.structured": "push _crossing _stacked each _widened branch".split(),
    "ad.taylor.expand": "_node _series _orders".split(),
    "lang.passes.unroll": "_unrolled _element _combine".split(),
    "lang.specialise.derive": ["derive"],
}

# (function, operator, old text, new text): faults that change more than one expression, or that have a name.
STRUCTURAL: tuple[tuple[str, str, str, str], ...] = (
    ("ad.cotangents.Ledger.take", "zero", "dense, sparse = self.parts(slot)", "dense, sparse = self.parts(slot); dense = None"),
    ("ad.cotangents.Ledger.take", "drop accumulation", "for at in sparse:", "for at in sparse[:0]:"),
    ("ad.cotangents.Ledger.through_gather", "wrong index", "At((*outer, *at.indices)", "At((*at.indices, *outer)"),
    ("ad.cotangents._by_known_place", "wrong index", "int(place) for place", "0 * int(place) for place"),
    ("ad.structured.fold._backward_fold", "swapped scan direction", "reverse=not op.reverse", "reverse=op.reverse"),
    ("ad.structured.fold.forward_fold", "stale checkpoint", "residuals = [results[place] for place in places]",
     "residuals = [b.apply('concat', *([b.apply('slice', r, starts=(0,) * b.array_type(r).rank, "
     "limits=(1, *b.array_type(r).shape[1:]))] * op.size), axis=0) for r in (results[place] for place in places)]"),
    ("ad.structured.loops.LoopBody.residuals", "stale checkpoint", "self.array(self.inputs + k, slot)",
     "self.array(self.inputs + k, slots[0])"),
    ("ad.structured.loops.reuse_stacked", "stale checkpoint", "places.append(len(kept))", "places.append(0)"),
    ("ad.structured.branch._backward_branch", "swap branch", "results = b.branch(selector, [*captures, *residuals, *z_slots], arms)",
     "results = b.branch(selector, [*captures, *residuals, *z_slots], arms[::-1])"),
    ("ad.structured.branch.forward_branch", "swap branch", "results = b.branch(selector, captures, arms)",
     "results = b.branch(selector, captures, arms[::-1])"),
    ("ad.structured.fold.masked", "drop a guard", "b.build(b.branch(go, slots, [idle, op.body]))", "op.body"),
    ("ad.structured.loops.outer_cotangents", "drop accumulation", '["stack"] * len(slots) if piece.indices else ["sum"]',
     '["stack"] * len(slots)'),
    ("ad.checkpoint.strip_mined", "off by one", "parts = [(0, whole, blocks), (whole, op.size, 0)]",
     "parts = [(0, whole, blocks), (whole - 1, op.size - 1, 0)]"),
    ("ad.checkpoint._run_blocks", "off by one", "offset = inner.apply(\"mul\", len(types), inner.constant(rounds, \"i64\"))",
     "offset = inner.apply('mul', len(types), inner.constant(rounds + 1, 'i64'))"),
    ("ad.checkpoint.strip_mined", "swapped scan direction", "in reversed(parts) if op.reverse else parts", "in parts"),
    ("ad.forward._push_fold", "zero", "demanded = (*on_carry,", "demanded = (*(False for _ in on_carry),"),
    ("ad.forward._push_fold", "swapped scan direction", "reverse=op.reverse", "reverse=not op.reverse"),
    ("ad.forward._push_branch", "swap branch", "zip(op.arms, arms, strict=True)",
     "zip(op.arms[::-1], arms[::-1], strict=True)"),
    ("ad.forward._push_each", "drop accumulation", "*(how for how, on in", "*('stack' for how, on in"),
    ("ad.rules.match_shape", "drop accumulation", "return b.apply(\"reduce_sum\", slot, axes=tuple(range(len(shape))))",
     "return b.apply('gather', b.apply('reshape', slot, shape=(b.array_type(slot).elements,)), b.constant(0, 'i64'), proved=True)"),
    ("ad.rules._scaled", "0 * inf", "return _chosen(scope, factor, choice, (then, otherwise))",
     "return b.apply('mul', factor, scope.slot(scope.value(rule)))"),
    ("ad.rules._linear_tangent", "drop a term", "total = _plus(b, total, term)", "total = term"),
    ("ad.rules.tangent", "drop a term", "total = _plus(b, total, scaled_by_partial(context, row, k, x_dot))",
     "total = scaled_by_partial(context, row, k, x_dot)"),
    ("lang.specialise.derive.derive", "perturbation confusion", "active = (False,) * len(inner.captures) +",
     "active = tuple(t.is_float for t in program.inputs[: len(inner.captures)]) +"),
    ("lang.specialise.derive.derive", "perturbation confusion", "if key not in machine.derived:",
     "key = (kind, active)\n    if key not in machine.derived:"),
    ("ad.activity.fold_carry_activity", "drop a round", "if grown == carry:", "if True:"),
    ("lang.passes.lift._invariant", "hoist what varies", "any(known) and all(", "any(known) and any("),
    ("lang.passes.lift._is_safe", "drop a guard", "return primitive not in MAY_FAIL", "return True"),
    ("lang.passes.unroll._unrolled", "swapped scan direction", "reversed(rounds) if op.reverse else rounds", "rounds"),
    ("lang.passes.unroll._unrolled", "wrong index", "b.constant(i, \"i64\")", "b.constant(0, 'i64')"),
    ("lang.passes.simplify._with_needed_carries", "drop a carry", "grown = needed |", "grown = needed or"),
    ("lang.passes.simplify._kept_results", "drop a carry", "needed.update(_operands_read(step, kept))",
     "needed.update(list(_operands_read(step, kept))[:-1])"),
    ("ad.vmap_rules.Batch.full", "wrong index", "_upto(1, len(shape) + 1)",
     "_upto(0, len(shape))"),
    ("ad.vmap._behind", "wrong index", "batch.move(lane.slot, 0, 1)", "batch.move(lane.slot, 0, 0)"),
    ("ad.vmap._combined", "wrong index", "batch.move(slot, 1, 0)", "batch.move(slot, 0, 0)"),
    ("ad.vmap._freezing", "drop a guard", "_choose(batch, active, new, kept)", "new"),
    ("ad.vmap._guarded", "drop a guard", "return _choose(batch, taken, lane.slot, batch.full(Lane(one, False)))",
     "return lane.slot"),
    ("lang.primitives.reductions._exclusive_cumprod", "unshifted prefix", "start: Size = 1 if reverse else 0",
     "start: Size = 0 if reverse else 1"),
    ("lang.primitives.reductions._exclusive_cumprod", "unshifted prefix",
     "return slice_axis(context, longer, axis, start, limit)",
     "return builder.apply('cumprod', slot, axis=axis, reverse=reverse)"),
    ("lang.primitives.reductions._cumsum", "swapped scan direction", "reverse = not dict(context.params)[\"reverse\"]",
     "reverse = dict(context.params)['reverse']"),
    ("lang.primitives.reductions._share_of_winners", "wrong tie",
     "return builder.apply(\"div\", builder.apply(\"reduce_sum\", taken, axes=axes), count)",
     "return builder.apply('reduce_sum', taken, axes=axes)"),
    ("lang.primitives.indexing._gather", "scatter without accumulation", "\"scatter_add\"", "'scatter'"),
    ("ad.cotangents.scatter", "scatter without accumulation", "\"scatter_add\"", "'scatter'"),
)
