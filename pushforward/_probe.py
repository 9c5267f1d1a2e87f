"""`pf.probe`: a program or a Python function with derivative rules and example arguments enter, a report leaves.

The properties and the search are in `verify.properties.probe`; here arguments are taken apart, programs are specialised
and the line that repeats a failure is worded.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _wire
from ._program import Program
from .lang import ir
from .lang.constants import numpy_dtype
from .lang.diagnostics import fail, suggest
from .lang.sizes import known
from .lang.substitute import substitute_sizes

if TYPE_CHECKING:
    from .verify.properties.probe.callables import Rules
    from .verify.properties.probe.report import Report

SAMPLES = 12
Repeat = Callable[[Sequence[Any], str], str]


def probe(
    f: Program | Callable[..., Any],
    *example_args: Any,
    seed: int = 0,
    samples: int = SAMPLES,
    properties: Sequence[str] | str | None = None,
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    value_and_jvp: Callable[..., Any] | None = None,
    value_and_vjp: Callable[..., Any] | None = None,
    batch: Callable[..., Any] | bool | None = None,
) -> Report:
    """Look for a counter-example to every property of the derivatives of `f`, at the arguments and around them.

    Args:
        f: a program (its custom rules are compared with its definition), a function under `pf.jit`, which is traced
            with the arguments, or a function of NumPy values.
        example_args: where to start; a program without any gets random ones.
        seed, samples: of the random points.
        properties: names of the properties to look at, by default all.
        jvp, vjp: rules of a Python function, ``jvp(x…, x_dot…) -> y_dot`` and ``vjp(x…, y_bar) -> x_bar``.
        value_and_jvp, value_and_vjp: the same, giving ``(value, derivative)``.
        batch: the function on arguments with a leading batch axis, or True when `f` takes those itself.

    E195 says what cannot be probed.

    >>> import pushforward as pf
    >>> report = pf.probe(lambda x: x * x, 3.0, vjp=lambda x, y_bar: -2 * x * y_bar)
    >>> report.ok, report.failures[0].property, report.failures[0].witness.arguments
    (False, 'curve', (('x', array(1.)),))
    """
    from .verify.properties.probe.callables import Rules

    rules = Rules(jvp, vjp, value_and_jvp, value_and_vjp, batch)
    f = _traced(f, example_args)
    if not isinstance(f, Program):
        return _run(lambda: _callable(f, example_args, rules, seed, samples), seed, samples, properties)
    if rules != Rules():
        raise fail("E195", "a program holds its own rules", hint="write them in its text: `def f(…) with vjp g = …`")
    return _run(lambda: _program(f, example_args, {}, seed, samples), seed, samples, properties)


def probe_named(
    program: Program,
    values: Mapping[str, Any],
    *,
    seed: int,
    samples: int,
    properties: Sequence[str] | None,
    progress: Callable[[str], None],
) -> Report:
    """`probe` of a program with its arguments (and sizes) by name; `progress` hears each property before its turn."""
    return _run(lambda: _program(program, (), values, seed, samples), seed, samples, properties, progress)


def _traced(f: Program | Callable[..., Any], example_args: Sequence[Any]) -> Program | Callable[..., Any]:
    """A function under `pf.jit` as the program of its arguments, whose custom rules are those of its user."""
    import sys

    jitted = sys.modules.get(f"{__package__}._jit")  # nobody can hold such a function without it
    if jitted is None or not isinstance(f, jitted.Function):
        return f
    from ._trace import trace

    function: Any = f
    return trace(function.fn, *example_args)


Prepared = tuple[Any, tuple[Any, ...], Repeat]  # a subject, its example arguments, the words that repeat a failure


def _run(
    prepare: Callable[[], Prepared],
    seed: int,
    samples: int,
    properties: Sequence[str] | str | None,
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    import numpy as np

    from .verify.properties.probe.point import Unusable
    from .verify.properties.probe.run import probe as run

    names = _names(properties)
    try:
        subject, example, repeat = prepare()
        with np.errstate(all="ignore"):
            return run(subject, example, seed=seed, samples=samples, names=names, repeat=repeat, progress=progress)
    except Unusable as unusable:
        hint = "give arguments at which the function has a finite value"
        raise fail("E195", f"nothing can be probed here: {unusable}", hint=hint) from None


def _names(properties: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """The chosen properties, all of them known."""
    from .verify.properties.probe.run import NAMES

    if properties is None:
        return None
    names = (properties,) if isinstance(properties, str) else tuple(properties)
    for name in names:
        if name not in NAMES:
            raise fail("E195", f"there is no property `{name}`", actual=", ".join(NAMES), hint=suggest(name, NAMES))
    return names


# --- programs ---------------------------------------------------------------------------------------------------------


def _program(program: Program, args: Sequence[Any], named: Mapping[str, Any], seed: int, samples: int) -> Prepared:
    """The subject of a program and its example arguments as arrays; random ones when none are given."""
    import numpy as np

    from .semantics.results import places
    from .semantics.values import bind
    from .verify.properties.probe.programs import ProgramSubject, called

    leaves, sizes = _drawn(program, seed) if not args and not named else (None, {})
    if leaves is None:
        bound = bind(program.signature, program.ir.sizes, args, named)
        leaves, sizes = bound.leaves, dict(bound.sizes)
    names = tuple(place for name, type_ in program.signature.inputs for place in places(type_, name))

    def at(known: Mapping[str, int]) -> ir.Program:
        return _specialised(program, known)

    subject = ProgramSubject(called(at(sizes)), names, program.ir, at)
    if not any(leaf.active for leaf in subject.leaves):
        message = f"`{program.name}` has no float input, so there is nothing to differentiate by"
        raise fail("E195", message, hint="properties of derivatives are about inputs of type f64 or f32")
    return subject, tuple(np.asarray(leaf) for leaf in leaves), _repeat_program(program, seed, samples)


def _specialised(program: Program, sizes: Mapping[str, int]) -> ir.Program:
    """The first-order program with its loops and calls as they are written, so that operators and rules are found."""
    if program.recipe is not None or program.definitions is None:
        return program.first(sizes)
    from .lang.specialise import specialise

    return specialise(program.ir, program.definitions, sizes, _wire.transforms())


def _holder(program: Program) -> str:
    """What a reader writes for the program: its place in a module, or a name for one that was traced."""
    return "program" if program.definitions is None and program.source is None else f"module[{program.name!r}]"


def _drawn(program: Program, seed: int) -> tuple[tuple[Any, ...], dict[str, int]]:
    """Random arguments: sizes from 3 upwards, positive floats, small integers that index arrays of that length."""
    import numpy as np

    random = np.random.default_rng(seed)
    sizes = {name: 3 + place for place, name in enumerate(program.ir.sizes)}
    leaves = []
    for type_ in substitute_sizes(program.ir, sizes).inputs:
        if not isinstance(type_, ir.ArrayType):
            message = f"`{program.name}` takes functions or variants, which are not drawn at random"
            raise fail("E195", message, hint="write a definition on floats that calls it")
        shape = tuple(map(known, type_.shape))
        dtype = numpy_dtype(type_.dtype)
        numbers = np.exp(0.5 * random.standard_normal(shape)) if type_.is_float else random.integers(0, 2, shape)
        leaves.append(np.asarray(numbers, dtype))
    return tuple(leaves), sizes


def _repeat_program(program: Program, seed: int, samples: int) -> Repeat:
    """Words the command, or the call, that finds a failure of a program again."""
    from .semantics.results import assemble
    from .verify.properties.probe.pytest_file import python

    options = [] if samples == SAMPLES else [f"--samples {samples}"]

    def repeat(x: Sequence[Any], name: str) -> str:
        leaves = iter(x)
        values = {label: assemble(type_, leaves) for label, type_ in program.signature.inputs}
        file = program.source.source.name if program.source is not None else None
        if file is None or not Path(file).is_file():
            given = "".join(f", {python(value)}" for value in values.values())
            return _call(f"{_holder(program)}{given}", "", name, seed, samples)
        from .cli._programs import show

        words = [shlex.quote(f"{label}={show(value)}") for label, value in values.items()]
        return " ".join(
            ["pf probe", shlex.quote(file), program.name, *words, f"--property {name} --seed {seed}", *options]
        )

    return repeat


# --- Python functions -------------------------------------------------------------------------------------------------


def _callable(f: Any, args: Sequence[Any], rules: Rules, seed: int, samples: int) -> Prepared:
    """The subject of a Python function, and its example arguments as arrays."""
    from .verify.properties.probe.callables import CallableSubject, make_leaves

    if not callable(f):
        raise fail(
            "E195", "only programs and functions are probed", actual=type(f).__name__, hint="pf.probe(f, 1.0, vjp=g)"
        )
    if not args:
        raise fail("E195", "a Python function is probed at example arguments", hint="pf.probe(f, 1.0, vjp=g)")
    leaves, example = make_leaves(args, _parameter_names(f, len(args)))
    if not any(leaf.active for leaf in leaves):
        raise fail("E195", "no example argument is a float", hint="write 1.0, not 1")
    subject = CallableSubject(f, tuple(args), leaves, rules)
    return subject, example, _repeat_callable(subject.name, rules, seed, samples)


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the parameters, or x0, x1, … where there are none."""
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return names[:count] if len(names) >= count else [f"x{place}" for place in range(count)]


def _repeat_callable(label: str, rules: Rules, seed: int, samples: int) -> Repeat:
    from .verify.properties.probe.pytest_file import python

    given = "".join(
        f", {name}={'True' if rule is True else getattr(rule, '__name__', 'rule')}"
        for name in ("jvp", "vjp", "value_and_jvp", "value_and_vjp", "batch")
        if (rule := getattr(rules, name)) is not None
    )

    def repeat(x: Sequence[Any], name: str) -> str:
        return _call(label + "".join(f", {python(value)}" for value in x), given, name, seed, samples)

    return repeat


def _call(first: str, rules: str, name: str, seed: int, samples: int) -> str:
    options = "" if samples == SAMPLES else f", samples={samples}"
    return f"pf.probe({first}{rules}, properties={name!r}, seed={seed}{options})"
