"""`pf solve FILE [OPERATOR] [name=VALUE …]`: train a network to solve the differential equation of a file.

The file holds an operator and, by these names, definitions of its variables: `exact`, `source`, `weight` (0 where the
solution is given) and `boundary` (its values there). Other inputs of theirs, and parameters, are given by name.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _programs
from .plan import LAWS
from .report import Report

if TYPE_CHECKING:
    from .._operator import Operator
    from .._problem import Problem
    from .._program import Program
    from ..semantics.solving.solution import Solution

ROLES = ("source", "exact", "weight", "boundary")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .pf file")
    _programs.add_real(parser)
    words = "an operator, then sizes, parameters, and intervals of a box as name=VALUE (n=10, nu=0.1, t=[0,2])"
    parser.add_argument("words", nargs="*", metavar="OPERATOR | name=VALUE", help=words)
    parser.add_argument("--data", metavar="DIR", help="folder of data files (default: PUSHFORWARD_DATA, then here)")
    parser.add_argument("--domain", choices=("ball", "box"), help="default: the unit ball for one vector, else a box")
    parser.add_argument("--steps", type=int, default=10_000, metavar="N", help="steps of Adam (default 10000)")
    parser.add_argument("--batch", type=int, default=100, metavar="N", help="random points per step (default 100)")
    parser.add_argument("--probes", type=int, metavar="N", help="estimate sums over coordinates from N random lanes")
    parser.add_argument("--law", choices=LAWS, default="sampled", help="the law of these lanes (default: sampled)")
    parser.add_argument("--width", type=int, default=128, metavar="N", help="width of the network (default 128)")
    parser.add_argument("--depth", type=int, default=4, metavar="N", help="layers of the network (default 4)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all random numbers (default 0)")
    parser.add_argument("--dtype", choices=("f32", "f64"), default="f32", help="precision (default f32)")
    parser.add_argument("--every", type=int, metavar="N", help="steps between checkpoints (default: a twentieth)")
    parser.add_argument("--checkpoint", metavar="DIR", help="keep checkpoints here, and go on from the one there is")
    parser.add_argument("--picture", metavar="OUT.png", help="draw the error over steps and a slice of the solution")
    parser.add_argument("--save", metavar="OUT.npz", help="write the trained parameters and the history")


def run(options: argparse.Namespace, report: Report) -> int:
    from .._pinn import pinn

    module, operator, words = _programs.choose_operator(options)
    values = _programs.inputs(options, words)
    programs = {name: module[name] for name in ROLES if name in module}
    with warnings_as_diagnostics(report):
        problem = _problem(operator, programs, values, options)
        names = ("width", "depth", "steps", "batch", "probes", "law", "seed", "dtype", "every", "checkpoint")
        solution = pinn(problem, **{name: getattr(options, name) for name in names})
    _tell(operator, solution, report)
    if options.picture:
        solution.picture(options.picture)
        report.note(f"wrote {options.picture}")
    if options.save:
        solution.save(options.save)
        report.note(f"wrote {options.save}")
    return 0


def _problem(
    operator: Operator, programs: Mapping[str, Program], values: dict[str, Any], options: argparse.Namespace
) -> Problem:
    """The problem of a file, with every named value in its place."""
    from .._problem import Problem
    from ..ad.operators.expression import variables_of

    declared = variables_of(operator.expanded)
    variables = [name for name, _ in declared]
    kind = options.domain or ("ball" if len(declared) == 1 and declared[0][1] is not None else "box")
    parameters = {item.name: values[item.name] for item in operator.expanded.parameters if item.name in values}
    inputs = [name for program in programs.values() for name, _ in program.signature.inputs]
    sizes = [length for _, length in declared if isinstance(length, str)]
    _check_names(values, [*sizes, *(variables if kind == "box" else []), *parameters, *inputs], set(variables))
    lengths = [_length(length, values) for _, length in declared]
    domain = _domain(kind, variables, lengths, values)
    functions = {name: _function(name, program, variables, values, options.dtype) for name, program in programs.items()}
    return Problem(operator, domain, parameters=parameters, **functions)


def _check_names(values: Mapping[str, Any], known: Sequence[str], variables: set[str]) -> None:
    from ..lang.diagnostics import fail, suggest

    for name in values:
        if name not in known:
            hint = "intervals belong to --domain box" if name in variables else suggest(name, known)
            shown = ", ".join(dict.fromkeys(known)) or "no names"
            raise fail("E162", f"nothing here is called `{name}`", expected=shown, hint=hint or "names are checked")


def _length(length: int | str | None, values: Mapping[str, Any]) -> int | None:
    from ..lang.diagnostics import fail

    if not isinstance(length, str):
        return length
    found = values.get(length)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        actual = "nothing" if found is None else f"{found}"
        hint = f"give it by name, for example {length}=10"
        raise fail("E235", f"the size `{length}` is needed", expected="a whole number", actual=actual, hint=hint)
    return found


def _domain(kind: str, variables: Sequence[str], lengths: Sequence[int | None], values: Mapping[str, Any]) -> Any:
    from ..lang.diagnostics import fail
    from ..semantics.solving.domains import Ball, Box

    if kind == "ball":
        (length,) = lengths if len(lengths) == 1 else (None,)
        if length is None:
            hint = "use --domain box, with an interval per variable: t=[0,2]"
            message = "a ball is a domain of one vector variable"
            raise fail("E235", message, actual=", ".join(variables), hint=hint)
        return Ball(length)
    intervals: list[Any] = []
    for name, length in zip(variables, lengths, strict=True):
        ends = values.get(name, [-1.0, 1.0])
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(end, int | float) for end in ends):
            hint = f"give two numbers, for example {name}=[-1,1]"
            raise fail("E235", f"`{name}` is no interval", actual=f"{ends!r:.60}", hint=hint)
        intervals.append((*map(float, ends), *(() if length is None else (length,))))
    return Box(intervals)


def _function(
    name: str, program: Program, variables: Sequence[str], values: Mapping[str, Any], dtype: str
) -> Callable[..., Any]:
    """A definition as a function of the variables; its other inputs are named values."""
    import jax.numpy as jnp

    from ..lang.diagnostics import fail

    own = [item for item, _ in program.signature.inputs]
    for item in own:
        if item not in variables and item not in values:
            message, hint = f"the input `{item}` of `{name}` has no value", f"give it by name: {item}=…"
            raise fail("E161", message, span=program.source, expected=f"{program}", hint=hint)
    function = program.astype("f64" if dtype == "f64" else "f32").to_jax()

    def at(*point: Any) -> Any:
        given = dict(zip(variables, point, strict=True))
        return function(*(given[item] if item in given else jnp.asarray(values[item]) for item in own))

    return at


@contextmanager
def warnings_as_diagnostics(report: Report) -> Iterator[None]:
    """Say each warning about fields with kinks once, as other findings are said; others stay warnings."""
    from ..ad.operators.smoothness import NotSmoothWarning

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", NotSmoothWarning)
        yield
    seen: set[str] = set()
    for item in found:
        if not isinstance(item.message, NotSmoothWarning):
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
        elif str(item.message) not in seen:
            seen.add(str(item.message))
            report.diagnose([item.message.diagnostic])


def _tell(operator: Operator, solution: Solution, report: Report) -> None:
    settings = solution.settings
    lanes = "all lanes" if settings["probes"] is None else f"{settings['probes']} {settings['law']} lanes"
    report.line(f"{operator.name}: {' '.join(operator.text.split())}, {lanes}, on {settings['domain']}")
    step, loss, _ = solution.history[-1]
    if solution.error is None:
        report.line(f"  mean squared residual {loss:.3e} after {step} steps (no exact solution to compare with)")
    else:
        report.line(f"  relative L2 error {solution.error:.3e} on unseen points after {step} steps")
        report.line(f"  best multiple of the weight {solution.trivial:.3e}, skill {solution.skill or 0.0:.4f}")
    if solution.seconds is not None:
        report.line(f"  {1e3 * solution.seconds:.2f} ms a step, seed {settings['seed']}")
    report.put({"error": solution.error, "trivial": solution.trivial, "skill": solution.skill})
    report.put({"steps": step, "seconds_per_step": solution.seconds, "settings": dict(settings)})
    names = ("step", "loss", "error")
    report.put({"history": [dict(zip(names, row, strict=True)) for row in solution.history]})
