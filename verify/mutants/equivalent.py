"""Mutants that mean the same as the sound program, each with the reason; the runner checks that each is still needed."""

from __future__ import annotations

# Names of mutants are whole lines of code.
# ruff: noqa: E501

EQUIVALENT: dict[str, str] = {
    "pow: off by one: d/dx0 = (x1 * pow((if ((x0 == 0) and (x1 == 0)) then 2 else x0), (x1 - 1)))": (
        "the base of a power whose exponent is -1 and whose factor is 0: any positive base gives 0"
    ),
    "integer_pow: drop a branch: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 2) then (2 * x0) else (exponent * integer_pow(x0, (exponent - 1)))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "integer_pow: off by one: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 0) then 1 else (if (exponent == 2) then (2 * x0) else (exponent * integer_pow(x0, (exponent - 1))))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "integer_pow: drop a branch: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 1) then 1 else (exponent * integer_pow(x0, (exponent - 1)))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "integer_pow: off by one: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 1) then 1 else (if (exponent == 1) then (2 * x0) else (exponent * integer_pow(x0, (exponent - 1))))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "asinh: wrong tie: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) >= 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1e9) then 1 else x0) ^ 2) + 1))))": (
        "the inner guard differs at 1e9 alone, where the outer one does not take the arm"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 2))) else (1 / sqrt((((if (abs(x0) > 1e9) then 1 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 0))) else (1 / sqrt((((if (abs(x0) > 1e9) then 1 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "asinh: drop a branch: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt(((x0 ^ 2) + 1))))": (
        "beyond 1e9 the square may become infinite, and then the arm not taken is 1 / infinity: 0, with cotangent 0"
    ),
    "asinh: change a constant: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1500000000.0) then 1 else x0) ^ 2) + 1))))": (
        "between 1e9 and 1.5e9 the arm is not taken, and its square does not overflow there"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1e9) then 2 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1e9) then 0 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "ad.sweep.Sweep._forward_step: drop a term: return self.run_forward(arms[int(b.scalar(operands[0]))], operands[1:])": (
        "the case before has found that the selector is a literal, and int(False) is 0"
    ),
    "lang.primitives.reductions._exclusive_cumprod: off by one: if isinstance(length, int) and length > 1:": (
        "both ways of writing the prefix give the same products; the first spares one element"
    ),
    "ad.cotangents._concatenate: off by one: count = len(group[1].indices)": (
        "all contributions of a group index the same number of axes, and a group has at least two"
    ),
    "ad.forward._push_each: negate: pushed = push(op.body, (*on_captures, *on_arrays, True))": (
        "the flag belongs to the index of the loop, a whole number, which no analysis calls active"
    ),
    "ad.forward._push_fold: negate: pushed = push(op.body, (*on_captures, *on_arrays, *on_carry, True), demanded)": (
        "the flag belongs to the index of the loop, a whole number, which no analysis calls active"
    ),
    "ad.activity.fold_carry_activity: negate: flags = output_activity(op.body, (*active[:outer], *carry, True))": (
        "the flag belongs to the index of the loop, a whole number, which no analysis calls active"
    ),
    "ad.activity.result_activity: negate: flags = output_activity(op.body, (*active[:op.captures + op.arrays], *carry, True))": (
        "the flag belongs to the index of the loop, a whole number, which no analysis calls active"
    ),
    "ad.activity.result_activity: negate: return output_activity(body, (*active, True))": (
        "the flag belongs to the index of the loop, a whole number, which no analysis calls active"
    ),
    "ad.reverse.sweep_onto: drop a term: if type_.is_float:": (
        "steps have arrays only once functions are gone; the test tells the type checker so"
    ),
    "ad.reverse.transpose: off by one: return b.build(b.inline(only, [place.get(k, 1) for k in range(len(both.inputs))]))": (
        "stands for inputs that nothing reads, so it does not matter which slot they are given"
    ),
    "ad.sweep.Sweep._mark: drop a term: self.active.add(first)": (
        "every step that comes here has one result, so the offset is 0"
    ),
    "ad.sweep.Sweep._mark: negate: self.active.add(first - offset)": (
        "every step that comes here has one result, so the offset is 0"
    ),
    "ad.structured.branch._backward_branch: off by one: types = op.arms[1].output_types": (
        "the arms of a branch, of which there are at least two, agree in types and are linearised for the same results"
    ),
    "ad.structured.branch._backward_branch: off by one: on = lins[1].active_outputs": (
        "the arms of a branch, of which there are at least two, agree in types and are linearised for the same results"
    ),
    "ad.structured.branch._backward_branch: off by one: outputs.extend(_in_form(inner, groups[k], form, as_array(op.arms[1].inputs[k])) if form else [])": (
        "the arms of a branch, of which there are at least two, agree in types and are linearised for the same results"
    ),
    "ad.structured.branch._backward_branch: off by one: if not arms[1].outputs:": (
        "the arms of a branch, of which there are at least two, agree in types and are linearised for the same results"
    ),
    "ad.structured.branch._common_form: drop accumulation: pass": (
        "what waits at one operand is joined, so no arm has two pieces of one form, and what is removed is not met again"
    ),
    "ad.structured.branch._in_form: drop accumulation: pass": (
        "what waits at one operand is joined, so no arm has two pieces of one form, and what is removed is not met again"
    ),
    "ad.checkpoint.strip_mined: off by one: rounds = max(2, isqrt(op.size))": (
        "only loops of more than three rounds are strip-mined, and their square root is at least 2"
    ),
    "ad.vmap._branch: drop a term: return [Lane(slot, True) for slot in chosen]": (
        "a branch has an arm, so something was chosen"
    ),
    "ad.vmap._guarded: negate: one = b.apply('gather', lane.slot, first, proved=False)": (
        "the place of a lane is always in range; saying so only spares compiled code a test"
    ),
    "lang.primitives.indexing._scatter: off by one: if operand > 2:": (
        "asked only of operands that carry cotangents, which indices never do"
    ),
    "lang.primitives.indexing._scatter: wrong tie: if operand >= 1:": (
        "operand 1 was answered by the case before"
    ),
    "lang.primitives.linalg._logdet: swap operands: return builder.apply('einsum', a_dot, inverse, spec=f'{batch}ij,{batch}ji->{batch}')": (
        "the trace of a product is that of the product in the other order"
    ),
    "lang.primitives.reductions._nonzero: off by one: return (empty, builder.apply('where', empty, builder.constant(2, dtype), total))": (
        "a sum that is 0 is replaced by any positive number: softmax divides zeros by it, logsumexp puts -inf in place of its logarithm"
    ),
    "lang.primitives.reductions._shifted: off by one: zero = builder.constant(1, type_.dtype)": (
        "the shift cancels; where the greatest element is infinite, exponentials are 0 or infinite whatever finite shift is taken"
    ),
    "lang.specialise.derive.derive: drop a term: if not isinstance(function, Node):": (
        "leaves out half of a test that only tells of a bug of the toolkit, which does not occur"
    ),
    "lang.specialise.derive.derive: drop a term: if not isinstance(function.type, FunType):": (
        "leaves out half of a test that only tells of a bug of the toolkit, which does not occur"
    ),
    "ad.checkpoint._run_blocks: off by one: after, extras = _run_rounds(inner, op, place[:len(captures)], place[len(captures):len(captures) + len(arrays)], place[len(captures) + len(arrays):], 1, rounds, offset=offset)": (
        "a first round is not read beside an offset"
    ),
    "ad.rules.carries_tangent: drop a term: if not type_.is_float or isinstance(derivative, Discrete):": (
        "steps have arrays only once functions are gone; the test tells the type checker so"
    ),
    "ad.activity.result_activity: drop a term: passes = any((carries_tangent(op, k, type_) for k, (flag, type_) in enumerate(zip(active, operands, strict=True))))": (
        "asked only where an operand is active, and no primitive has a float operand that carries nothing beside one that does"
    ),
    "rem: swap operands: d/dx1 = -((sign((x1 / x0)) * floor(abs((x0 / x1)))))": (
        "a quotient and its reciprocal have one sign, and where x0 is 0 the other factor is 0"
    ),
    "bessel_i1e: off by one: d/dx0 = (if (x0 == 0) then 0.5 else (bessel_i0e(x0) - (y * (sign(x0) + (1 / (if (x0 == 0) then 2 else x0))))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "bessel_i1e: wrong tie: stable d/dx0 = (if (abs(x0) <= 1e-16) then 0.5 else (bessel_i0e(x0) - (y * (sign(x0) + (1 / (if (abs(x0) < 1e-16) then 1 else x0))))))": (
        "at 1e-16 both forms give 0.5 to the last place"
    ),
    "bessel_i1e: change a constant: stable d/dx0 = (if (abs(x0) < 1.5e-16) then 0.5 else (bessel_i0e(x0) - (y * (sign(x0) + (1 / (if (abs(x0) < 1e-16) then 1 else x0))))))": (
        "between 1e-16 and 1.5e-16 both forms give 0.5 to the last place"
    ),
    "bessel_i1e: off by one: stable d/dx0 = (if (abs(x0) < 1e-16) then 0.5 else (bessel_i0e(x0) - (y * (sign(x0) + (1 / (if (abs(x0) < 1e-16) then 2 else x0))))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "random_gamma: off by one: d/dx0 = 1": (
        "the words of a key are whole numbers, which carry no derivative, so nobody asks for this rule"
    ),
    "random_gamma: off by one: d/dx0 = (-1)": (
        "the words of a key are whole numbers, which carry no derivative, so nobody asks for this rule"
    ),
    "random_gamma: off by one: d/dx1 = 1": (
        "the words of a key are whole numbers, which carry no derivative, so nobody asks for this rule"
    ),
    "random_gamma: off by one: d/dx1 = (-1)": (
        "the words of a key are whole numbers, which carry no derivative, so nobody asks for this rule"
    ),
    "lang.primitives.blocks._write: off by one: if operand > 2:": (
        "asked only of operands that carry cotangents, which indices never do"
    ),
    "lang.primitives.updates._last: off by one: if operand > 2:": (
        "asked only of operands that carry cotangents, which indices never do"
    ),
    "lang.primitives.comparison._convert_back: drop a term: if not operand.is_float:": (
        "a whole number has no cotangent, so nobody asks for that of a conversion to one"
    ),
    "lang.primitives.comparison._convert_back: drop a term: if not context.type(z).is_float:": (
        "a whole number carries no cotangent, so nobody asks for that of a conversion from one"
    ),
    "lang.primitives.convolution.regroup: wrong tie: place = order.index(target + 1 if target > axis else target)": (
        "no axis is made to run over parts of itself, so the two are never equal"
    ),
    "lang.primitives.elimination.permuted: negate: return b.apply('gather', matrix, *lanes, places, proved=False)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.elimination._lu: wrong tie: if n >= k:": (
        "where the two sizes are equal there is nothing to add: columns or rows of which there are none"
    ),
    "lang.primitives.elimination._lu: wrong primitive: upper = b.apply('sub', upper, ones)": (
        "U may be completed by any invertible triangle: the solution and the product that follows cancel it"
    ),
    "lang.primitives.factorisations._diagonal_of_product: swap operands: return context.builder.apply('einsum', right, left, spec=f'{batch}ji,{batch}ji->{batch}i')": (
        "the factors of a product are exchanged"
    ),
    "lang.primitives.factorisations._singular_vectors: wrong tie: if long < short:": (
        "vectors that already are a whole basis leave nothing outside their span: zeros are added"
    ),
    "lang.primitives.factorisations._thin_qr: off by one: low = b.apply('triangle', inner, lower=True, offset=0)": (
        "the diagonal is taken from itself in the next line"
    ),
    "lang.primitives.factorisations._square_qr: wrong tie: if m > n:": (
        "where the two sizes are equal there is nothing to add: columns or rows of which there are none"
    ),
    "lang.primitives.factorisations._qr_left: drop a term: return _completed(context, q, q_dot) if context.param('full') else q_dot": (
        "where there are as many columns as rows or more there is nothing to add: columns or rows of which there are none"
    ),
    "lang.primitives.factorisations._qr_left: wrong tie: return _completed(context, q, q_dot) if context.param('full') and m >= n else q_dot": (
        "where the two sizes are equal there is nothing to add: columns or rows of which there are none"
    ),
    "lang.primitives.factorisations._qr_right: wrong tie: return padded(context, r_dot, -2, 0, m - n) if context.param('full') and m >= n else r_dot": (
        "where the two sizes are equal there is nothing to add: columns or rows of which there are none"
    ),
    "lang.primitives.indexing._proved: negate: return bool(dict(context.params).get('proved', True))": (
        "every read and write says whether it was proved, so there is no default"
    ),
    "lang.primitives.linalg.identity: off by one: builder, size, rank = (context.builder, type_.shape[-2], type_.rank)": (
        "the type is that of a square matrix, so both of its last axes have one length"
    ),
    "lang.primitives.linalg.padded: off by one: if low == high == 1:": (
        "nobody pads on both sides, and padding by nothing changes nothing"
    ),
    "lang.primitives.reductions._one_before: swap branch: longer = builder.apply('pad', slot, low=width if reverse else nothing, high=width if reverse else nothing)": (
        "gives the running extremum itself, and the elements that attain it are the same unless it is rounded twice"
    ),
    "lang.primitives.reductions._one_before: swap branch: starts = nothing if reverse else width": (
        "gives the running extremum itself, and the elements that attain it are the same unless it is rounded twice"
    ),
    "lang.primitives.reductions.take_along: negate: return builder.apply('gather', x, *indices, proved=False)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.reductions._cumlogsumexp: off by one: zero = builder.constant(1, type_.dtype)": (
        "the factor in front of the first element multiplies zeros, and where y is infinite so are or vanish the exponentials"
    ),
    "lang.primitives.reductions._cumlogsumexp: wrong tie: while step <= length:": (
        "one more round adds zeros"
    ),
    "lang.primitives.updates._inside: swap operands: kept = fits if kept is None else builder.apply('logical_and', fits, kept)": (
        "both sides of a conjunction are exchanged"
    ),
    "lang.primitives.updates._winners: off by one: nobody = builder.full(-2, type_rules.ArrayType('i64', leading))": (
        "any number that no update has stands for nobody"
    ),
    "lang.primitives.updates._winners: negate: return builder.apply('eq', builder.apply('gather', owners, *places, proved=False), numbers)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.updates._last: negate: found = builder.apply('gather', z, *places, proved=False)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.updates._product: negate: moved = builder.apply('scatter_add', zeros, counted, *places, proved=False)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.windows.read_winners: negate: return builder.apply('gather', flat, places, proved=False)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.windows.read_winners: negate: found = builder.apply('gather', flat, builder.apply('maximum', places, zero), proved=False)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "lang.primitives.windows.read_winners: swap operands: found = builder.apply('gather', flat, builder.apply('maximum', zero, places), proved=True)": (
        "the operands of a maximum are exchanged"
    ),
    "ad.vmap_sliding._block_by_lane: negate: return b.apply('transpose', b.apply(kind, *moved, *places, proved=False), axes=back)": (
        "the places are in range by construction; saying so only spares compiled code a test"
    ),
    "ad.solutions.reverse_solution: drop a term: pulled = reverse(part(program, 'matvec'), active)": (
        "inputs for which no flag is given count as not active, which is what the flags left out say"
    ),
    "ad.sweep.Sweep.register: wrong tie: if len(active) >= self._known.get(results[0], 0):": (
        "two halves of one step that know equally many results move their cotangents alike"
    ),
    "cbrt: off by one: stable d/dx0 = (if (x0 == 0) then (2 / abs(y)) else ((y / x0) / 3))": (
        "the arm is taken where y is 0, and both quotients are infinite"
    ),
    "ad.taylor.rules.move: off by one: used, nowhere = (used_inputs(program), Lane(0, False))": (
        "the slot stands where the rule's program reads nothing"
    ),
    "ad.taylor.rules.move: negate: used, nowhere = (used_inputs(program), Lane(-1, True))": (
        "the slot stands where the rule's program reads nothing"
    ),
    "ad.taylor.rules.move: off by one: used, nowhere = (used_inputs(program), Lane(-2, False))": (
        "the slot stands where the rule's program reads nothing"
    ),
    "ad.taylor.exceptions._solution: wrong tie: alone = len(graph.common(nodes)) < 2": (
        "the same solution by factors that nobody shares"
    ),
    "ad.taylor.exceptions._product: negate: return graph.constant(Lane(graph.builder.full(1, x.type), True))": (
        "the value of a power is replaced by the power itself, and a constant has nothing but its value"
    ),
    "ad.taylor.exceptions._product: off by one: return graph.constant(Lane(graph.builder.full(2, x.type), False))": (
        "the value of a power is replaced by the power itself, and a constant has nothing but its value"
    ),
    "ad.taylor.exceptions._power: drop a term: known = None if on[1] else _literal(graph.builder, exponent.base.slot)": (
        "the power of a tangent is refused: no rule has one"
    ),
    "ad.taylor.exceptions._power: wrong tie: own = pole if known <= 0 else flow": (
        "an exponent of 0 is a whole one, which is written as products"
    ),
    "ad.taylor.compose.composed: drop a term: if found is not None:": (
        "no curved function has a Taylor coefficient that is zero by construction"
    ),
    "ad.taylor.compose.outer: negate: one = Lane(graph.builder.full(1, x.type), True)": (
        "without directions nobody asks whether a lane has their axis"
    ),
    "ad.taylor.emit.Emitter.product: drop a term: sums = sums": (
        "what has no axis of directions is its own sum over them"
    ),
    "ad.taylor.emit.Emitter.quotient: off by one: lane = self.apply('div', onehot.value(self, left, types[1]), at)": (
        "the type is read for seeds only, which are vectors: their entries are numbers, as a number is"
    ),
    "ad.taylor.structured.branch: off by one: return received(graph, op.arms[1].output_types, exits, ('',) * len(exits), slots)": (
        "all arms of a branch have the same types"
    ),
}
