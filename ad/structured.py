"""Forward and backward halves of `Each`, `Fold`, `Branch` and `Call` in reverse mode.

Each function emits the step that also saves residuals, and registers a closure that, given the cotangents of the results,
emits the transposed step: an `Each` for an `Each`, a `Fold` in the other direction for a `Fold`, a `Branch` on the saved
selector for a `Branch`. Cotangents of captures leave a body summed when dense and stacked when they are `At`s, so that a
read inside nested loops ends as one scatter outside all of them (Schenck et al. 2022, SC'22, section V, in unary form).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..lang.builder import Builder
from ..lang.ir import ArrayType, Branch, Each, Fold, Program
from .activity import fold_carry_activity, is_float
from .checkpoint import exceeds, strip_mined
from .cotangents import At, Piece, scatter
from .linearise import Linearised, linearise
from .sweep import Sweep

# --- pieces ----------------------------------------------------------------------------------------------------------


def _pull_apart(lin: Linearised, outputs: Sequence[int]) -> list[list[tuple[Piece, tuple[int, ...]]]]:
    """The output slots of a backward program, grouped by input and piece."""
    groups: list[list[tuple[Piece, tuple[int, ...]]]] = []
    position = 0
    for pieces in lin.pieces:
        here: list[tuple[Piece, tuple[int, ...]]] = []
        for piece in pieces:
            here.append((piece, tuple(outputs[position : position + piece.width])))
            position += piece.width
        groups.append(here)
    return groups


def _dense(b: Builder, pieces: Sequence[tuple[Piece, tuple[int, ...]]], type_: ArrayType) -> int:
    """All pieces of one input as one dense slot (zero when there are none)."""
    total: int | None = None
    for piece, slots in pieces:
        if piece.indices:
            base = b.zeros(type_) if total is None else total
            total = scatter(b, base, At(slots[:-1], slots[-1], piece.proved))
        else:
            total = slots[0] if total is None else b.apply("add", total, slots[0])
    return b.zeros(type_) if total is None else total


def _contribute(sweep: Sweep, slot: int, pieces: Sequence[tuple[Piece, tuple[int, ...]]]) -> None:
    """Hand what came out of a body to the ledger of the enclosing program."""
    for piece, slots in pieces:
        sweep.ledger.add(slot, At(slots[:-1], slots[-1], piece.proved) if piece.indices else slots[0])


class _Body:
    """A backward body under construction: captures and arrays are declared in any order, then put in canonical order.

    `backward` inputs are those of the linearised body, residuals, cotangents; `place` says for each where it comes from.
    """

    def __init__(self, lin: Linearised, count: int) -> None:
        self.lin = lin
        self.count = count
        self.captures: list[tuple[int, int]] = []  # (input of lin.backward, outer slot)
        self.arrays: list[tuple[int, int]] = []
        self.read = _read_inputs(lin.backward)

    def capture(self, position: int, outer: int) -> None:
        if position in self.read:
            self.captures.append((position, outer))

    def array(self, position: int, outer: int) -> None:
        if position in self.read:
            self.arrays.append((position, outer))


def _read_inputs(program: Program) -> frozenset[int]:
    used = {slot for step in program.steps for slot in step.operands} | set(program.outputs)
    return frozenset(slot for slot in used if slot < len(program.inputs))


# --- Each ------------------------------------------------------------------------------------------------------------


def forward_each(sweep: Sweep, op: Each, operands: list[int]) -> Sequence[int]:
    """Run the `Each` with residuals stacked; register its transposition."""
    b = sweep.builder
    captures, arrays = operands[: op.captures], operands[op.captures :]
    active = (*(slot in sweep.active for slot in operands), False)
    available = (True,) * len(active)
    lin = linearise(op.body, active, available)
    if exceeds(lin.residuals, op.size, sweep.memory):
        lin = linearise(op.body, active, available, recompute=True)
    count = len(op.combine)
    body, places = _reuse_stacked(lin, op.combine)
    combine = (*op.combine, *("stack" for _ in range(len(body.outputs) - count)))
    results = b.each(op.size, captures, arrays, body, combine)
    residuals = [results[place] for place in places]

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        _backward_each(sweep, op, lin, operands, residuals, zs[:count])

    sweep.register(results, lin.active_outputs, backward)
    return results[:count]


def _reuse_stacked(lin: Linearised, combine: Sequence[str], carries: int = 0) -> tuple[Program, list[int]]:
    """Leave out residuals that are stacked outputs already; say at which result each residual is found."""
    outputs = list(lin.forward.outputs)
    count = len(outputs) - len(lin.residuals)
    stacked = {outputs[k]: k for k in range(carries, count) if combine[k - carries] == "stack"}
    kept = outputs[:count]
    places: list[int] = []
    for slot in outputs[count:]:
        if slot in stacked:
            places.append(stacked[slot])
        else:
            places.append(len(kept))
            kept.append(slot)
    return replace(lin.forward, outputs=tuple(kept)), places


def _backward_each(
    sweep: Sweep,
    op: Each,
    lin: Linearised,
    operands: Sequence[int],
    residuals: Sequence[int],
    zs: Sequence[int | None],
) -> None:
    b = sweep.builder
    inputs = len(op.body.inputs)
    body = _Body(lin, inputs)
    for position, slot in enumerate(operands):
        (body.capture if position < op.captures else body.array)(position, slot)
    _place_residuals(body, residuals)
    _place_cotangents(sweep, body, op.combine, zs, op.body, op.size)
    order = [*(p for p, _ in body.captures), *(p for p, _ in body.arrays), inputs - 1]
    program, combine = _close_each(lin, order, op)
    outer_captures, outer_arrays = [s for _, s in body.captures], [s for _, s in body.arrays]
    results = b.each(op.size, outer_captures, outer_arrays, program, combine)
    position = 0
    for k, slot in enumerate(operands):
        if k >= op.captures:
            if lin.pieces[k]:
                sweep.ledger.add(slot, results[position])
                position += 1
            continue
        for piece in lin.pieces[k]:
            _contribute(sweep, slot, [(piece, tuple(results[position : position + piece.width]))])
            position += piece.width


def _place_residuals(body: _Body, residuals: Sequence[int]) -> None:
    for k, slot in enumerate(residuals):
        body.array(body.count + k, slot)


def _place_cotangents(
    sweep: Sweep, body: _Body, combine: Sequence[str], zs: Sequence[int | None], program: Program, size: object
) -> None:
    """Cotangents of stacked results are read element by element, those of sums are shared."""
    position = body.count + len(body.lin.residuals)
    for k, (how, on) in enumerate(zip(combine, body.lin.active_outputs, strict=True)):
        if not on:
            continue
        if position in body.read:
            type_ = program.output_types[k]
            assert isinstance(type_, ArrayType)
            if how == "sum":
                body.capture(position, sweep.or_zeros(zs[k], type_))
            else:
                stacked = ArrayType(type_.dtype, (size, *type_.shape))  # type: ignore[arg-type]
                body.array(position, sweep.or_zeros(zs[k], stacked))
        position += 1


def _close_each(lin: Linearised, order: Sequence[int], op: Each) -> tuple[Program, list[str]]:
    """The backward body with inputs in canonical order; array cotangents dense, capture cotangents as pieces."""
    b = Builder(lin.backward.name, [lin.backward.inputs[k] for k in order])
    outputs = _inline_reordered(b, lin, order)
    results: list[int] = []
    combine: list[str] = []
    for k, pieces in enumerate(_pull_apart(lin, outputs)):
        if k >= op.captures:
            if pieces:
                type_ = op.body.inputs[k]
                assert isinstance(type_, ArrayType)
                results.append(_dense(b, pieces, type_))
                combine.append("stack")
            continue
        for piece, slots in pieces:
            results.extend(slots)
            combine.extend(["stack"] * len(slots) if piece.indices else ["sum"])
    return b.build(results), combine


def _inline_reordered(b: Builder, lin: Linearised, order: Sequence[int]) -> tuple[int, ...]:
    """Inline a backward program whose unread inputs are absent (they are given slot 0, which nothing reads)."""
    place = {old: new for new, old in enumerate(order)}
    return b.inline(lin.backward, [place.get(k, 0) for k in range(len(lin.backward.inputs))])


# --- Fold ------------------------------------------------------------------------------------------------------------


def forward_fold(sweep: Sweep, op: Fold, operands: list[int]) -> Sequence[int]:
    """Run the `Fold` with residuals stacked; register the `Fold` in the other direction."""
    b = sweep.builder
    if op.condition is not None:
        op = masked(op)
    outer = op.captures + op.arrays
    carries = len(operands) - outer
    flags = tuple(slot in sweep.active for slot in operands)
    on_carry = fold_carry_activity(op, flags)
    active = (*flags[:outer], *on_carry, False)
    available = (*(True,) * outer, *(False,) * carries, True)
    demanded = (*on_carry, *(False for _ in op.combine))
    lin = linearise(op.body, active, available, demanded)
    if exceeds(lin.residuals, op.size, sweep.memory):
        lin = linearise(op.body, active, available, demanded, recompute=True)
        if exceeds(lin.residuals, op.size, sweep.memory) and isinstance(op.size, int) and op.size > 3:
            types = [b.array_type(slot) for slot in operands]
            return sweep.run_forward(strip_mined(op, types), operands)
    body, places = _reuse_stacked(lin, op.combine, carries)
    count = carries + len(op.combine)
    combine = (*op.combine, *("stack" for _ in range(len(body.outputs) - count)))
    results = b.fold(
        op.size,
        operands[: op.captures],
        operands[op.captures : outer],
        operands[outer:],
        body,
        combine,
        reverse=op.reverse,
    )
    residuals = [results[place] for place in places]

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        _backward_fold(sweep, op, lin, operands, residuals, zs[:count])

    sweep.register(results, lin.active_outputs, backward)
    return results[:count]


def masked(op: Fold) -> Fold:
    """A while loop as a fixed number of rounds that leave the carry alone once the condition is false.

    The reverse sweep of a while loop runs over all rounds up to its limit; idle rounds cost one branch.
    """
    assert op.condition is not None
    b = Builder(op.body.name, op.body.inputs)
    slots = tuple(range(len(op.body.inputs)))
    (go,) = b.inline(op.condition, slots[:-1])
    idle = Builder("idle", op.body.inputs).build(slots[op.captures : -1])
    return replace(op, body=b.build(b.branch(go, slots, [idle, op.body])), condition=None)


def _backward_fold(
    sweep: Sweep,
    op: Fold,
    lin: Linearised,
    operands: Sequence[int],
    residuals: Sequence[int],
    zs: Sequence[int | None],
) -> None:
    b = sweep.builder
    outer = op.captures + op.arrays
    inputs = len(op.body.inputs)
    carries = len(operands) - outer
    body = _Body(lin, inputs)
    for position in range(outer):
        (body.capture if position < op.captures else body.array)(position, operands[position])
    _place_residuals(body, residuals)
    z_start = inputs + len(lin.residuals)
    on_carry = lin.active_outputs[:carries]
    z_carries = list(range(z_start, z_start + sum(on_carry)))
    _place_extras(sweep, body, op, zs, z_start + sum(on_carry), carries)
    types = op.body.inputs[outer : outer + carries]
    initial = [
        sweep.or_zeros(z, type_)  # type: ignore[arg-type]
        for z, type_, on in zip(zs, types, on_carry, strict=False)
        if on
    ]
    order = [*(p for p, _ in body.captures), *(p for p, _ in body.arrays), *z_carries, inputs - 1]
    program, combine = _close_fold(lin, order, op, on_carry)
    captures, arrays = [s for _, s in body.captures], [s for _, s in body.arrays]
    results = b.fold(op.size, captures, arrays, initial, program, combine, reverse=not op.reverse)
    active_initial = [slot for slot, on in zip(operands[outer:], on_carry, strict=True) if on]
    for slot, bar in zip(active_initial, results, strict=False):
        if slot in sweep.active:
            sweep.ledger.add(slot, bar)
    position = len(active_initial)
    for k in range(outer):
        if k >= op.captures:
            if lin.pieces[k]:
                sweep.ledger.add(operands[k], results[position])
                position += 1
            continue
        for piece in lin.pieces[k]:
            _contribute(sweep, operands[k], [(piece, tuple(results[position : position + piece.width]))])
            position += piece.width


def _place_extras(
    sweep: Sweep, body: _Body, op: Fold, zs: Sequence[int | None], position: int, carries: int
) -> None:
    for k, how in enumerate(op.combine):
        if not body.lin.active_outputs[carries + k]:
            continue
        if position in body.read:
            type_ = op.body.output_types[carries + k]
            assert isinstance(type_, ArrayType)
            if how == "sum":
                body.capture(position, sweep.or_zeros(zs[carries + k], type_))
            else:
                stacked = ArrayType(type_.dtype, (op.size, *type_.shape))
                body.array(position, sweep.or_zeros(zs[carries + k], stacked))
        position += 1


def _close_fold(
    lin: Linearised, order: Sequence[int], op: Fold, on_carry: Sequence[bool]
) -> tuple[Program, list[str]]:
    """The backward body: next carry cotangents, then captures as pieces and arrays stacked."""
    b = Builder(lin.backward.name, [lin.backward.inputs[k] for k in order])
    groups = _pull_apart(lin, _inline_reordered(b, lin, order))
    outer = op.captures + op.arrays
    carry: list[int] = []
    extras: list[int] = []
    combine: list[str] = []
    for k, pieces in enumerate(groups[:-1]):
        type_ = op.body.inputs[k]
        if k >= outer:
            if on_carry[k - outer]:
                assert isinstance(type_, ArrayType)
                carry.append(_dense(b, pieces, type_))
        elif k >= op.captures:
            if pieces:
                assert isinstance(type_, ArrayType)
                extras.append(_dense(b, pieces, type_))
                combine.append("stack")
        else:
            for piece, slots in pieces:
                extras.extend(slots)
                combine.extend(["stack"] * len(slots) if piece.indices else ["sum"])
    return b.build([*carry, *extras]), combine


# --- Branch ----------------------------------------------------------------------------------------------------------


def forward_branch(sweep: Sweep, op: Branch, operands: list[int]) -> Sequence[int]:
    """Run the branch with each arm's residuals (arms share places of equal type); register the transposed branch."""
    b = sweep.builder
    selector, captures = operands[0], operands[1:]
    active = tuple(slot in sweep.active for slot in captures)
    available = (True,) * len(active)
    plain = [linearise(arm, active, available) for arm in op.arms]
    demanded = tuple(any(flags) for flags in zip(*(lin.active_outputs for lin in plain), strict=True))
    lins = [linearise(arm, active, available, demanded) for arm in op.arms]
    layout, places = _shared_layout([lin.residuals for lin in lins])
    count = len(op.arms[0].outputs)
    arms = [_padded(lin, place, layout, count) for lin, place in zip(lins, places, strict=True)]
    results = b.branch(selector, captures, arms)
    residuals = results[count:]

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        _backward_branch(sweep, op, lins, places, operands, residuals, zs[:count])

    sweep.register(results, demanded, backward)
    return results[:count]


def _shared_layout(residuals: Sequence[Sequence[ArrayType]]) -> tuple[list[ArrayType], list[list[int]]]:
    """One list of places that fits every arm, and where each residual of each arm goes."""
    layout: list[ArrayType] = []
    places: list[list[int]] = []
    for types in residuals:
        free = list(range(len(layout)))
        here: list[int] = []
        for type_ in types:
            place = next((k for k in free if layout[k] == type_), None)
            if place is None:
                place = len(layout)
                layout.append(type_)
            else:
                free.remove(place)
            here.append(place)
        places.append(here)
    return layout, places


def _padded(lin: Linearised, place: Sequence[int], layout: Sequence[ArrayType], count: int) -> Program:
    b = Builder(lin.forward.name, lin.forward.inputs)
    outputs = b.inline(lin.forward, range(len(lin.forward.inputs)))
    filled = dict(zip(place, outputs[count:], strict=True))
    tail = [filled[k] if k in filled else b.zeros(type_) for k, type_ in enumerate(layout)]
    return b.build([*outputs[:count], *tail])


def _backward_branch(
    sweep: Sweep,
    op: Branch,
    lins: Sequence[Linearised],
    places: Sequence[Sequence[int]],
    operands: Sequence[int],
    residuals: Sequence[int],
    zs: Sequence[int | None],
) -> None:
    b = sweep.builder
    selector, captures = operands[0], list(operands[1:])
    types = op.arms[0].output_types
    on = lins[0].active_outputs
    z_slots = [
        sweep.or_zeros(z, type_)  # type: ignore[arg-type]
        for z, type_, flag in zip(zs, types, on, strict=True)
        if flag
    ]
    forms = [_common_form([lin.pieces[k] for lin in lins]) for k in range(len(captures))]
    start = len(captures)
    arms: list[Program] = []
    for lin, place in zip(lins, places, strict=True):
        inputs = [b.types[slot] for slot in (*captures, *residuals, *z_slots)]
        inner = Builder(lin.backward.name, inputs)
        tail = range(start + len(residuals), len(inputs))
        given = [*range(start), *(start + k for k in place), *tail]
        groups = _pull_apart(lin, inner.inline(lin.backward, given))
        outputs: list[int] = []
        for k, form in enumerate(forms):
            type_ = op.arms[0].inputs[k]
            assert isinstance(type_, ArrayType) or not form
            outputs.extend(_in_form(inner, groups[k], form, type_))  # type: ignore[arg-type]
        arms.append(inner.build(outputs))
    if not arms[0].outputs:
        return
    results = b.branch(selector, [*captures, *residuals, *z_slots], arms)
    position = 0
    for slot, form in zip(captures, forms, strict=True):
        for piece in form:
            _contribute(sweep, slot, [(piece, tuple(results[position : position + piece.width]))])
            position += piece.width


def _common_form(pieces: Sequence[Sequence[Piece]]) -> list[Piece]:
    """Pieces every arm can fill: each sparse form at most as often as some arm has it, and a dense one if any arm does."""
    form: list[Piece] = []
    for arm in pieces:
        left = list(form)
        for piece in arm:
            if piece in left:
                left.remove(piece)
            else:
                form.append(piece)
    return form


def _in_form(
    b: Builder, pieces: Sequence[tuple[Piece, tuple[int, ...]]], form: Sequence[Piece], type_: ArrayType
) -> list[int]:
    """Slots for every piece of `form`; what an arm lacks is zero at index zero."""
    left = list(pieces)
    slots: list[int] = []
    for piece in form:
        found = next((entry for entry in left if entry[0] == piece), None)
        if found is not None:
            left.remove(found)
            slots.extend(found[1])
        else:
            index = ArrayType("i64", piece.batch)
            slots.extend(b.zeros(index) for _ in range(piece.indices))
            slots.append(b.zeros(piece.type))
    return slots


# --- Call ------------------------------------------------------------------------------------------------------------


def forward_call(sweep: Sweep, program: Program, operands: list[int]) -> Sequence[int]:
    """A program with its own derivative: the primal stays a unit, its rule gives the cotangents."""
    b = sweep.builder
    results = b.call(program, operands)
    types = program.output_types

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        rule = cotangent_rule(program)
        floats = [
            sweep.or_zeros(z, type_)  # type: ignore[arg-type]
            for z, type_ in zip(zs, types, strict=True)
            if is_float(type_)
        ]
        bars = iter(sweep.builder.inline(rule, [*operands, *floats]))
        for slot, type_ in zip(operands, program.inputs, strict=True):
            if is_float(type_):
                bar = next(bars)
                if slot in sweep.active:
                    sweep.ledger.add(slot, bar)

    sweep.register(results, tuple(is_float(type_) for type_ in types), backward)
    return results


def cotangent_rule(program: Program) -> Program:
    """``(x, y_bar) -> x_bar`` of a program with custom rules; from its jvp by transposition when it has no vjp."""
    from .reverse import transpose

    rule = program.rule("vjp")
    if rule is not None:
        return rule
    jvp = program.rule("jvp")
    assert jvp is not None
    count = len(program.inputs)
    return transpose(jvp, tuple(k >= count for k in range(len(jvp.inputs))))

