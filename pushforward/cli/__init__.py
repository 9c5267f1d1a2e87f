"""The command `pf`: words of the command line enter, an exit code leaves.

``0`` fine, ``1`` the program or a claim about it is wrong, ``2`` bad invocation or input, ``101`` our bug, ``130``
interrupted. Results go to standard output, diagnostics to standard error, and `--json` makes the output one document.
Only the chosen verb's module is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .report import Report

OK, WRONG, BAD_INPUT, OUR_BUG, INTERRUPTED = 0, 1, 2, 101, 130

VERBS = {
    "check": "read and type programs, run nothing",
    "run": "evaluate a definition on named inputs",
    "grad": "evaluate a definition and its gradient",
    "jet": "evaluate a definition and its Taylor series along a direction",
    "show": "print a definition at a stage of the pipeline",
    "build": "write a library for C: a definition and its derivatives",
    "test": "run the claims of test blocks",
    "plan": "plan the derivatives of a differential operator",
    "solve": "train a network to solve a differential equation",
    "verify": "check a certificate again",
    "probe": "look for counter-examples to the properties of a definition's derivatives",
    "bench": "time a definition and its gradient",
    "fmt": "format programs",
    "explain": "explain an error code",
    "doctor": "say which parts and back ends work here",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises, never prints a traceback unless `--debug` is given."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = _options(words)
    except SystemExit as stop:  # argparse has printed help, the version or what is wrong
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    report = Report(options.verb, as_json=options.json)
    code = _guarded(options, report)
    try:
        report.close(code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _guarded(options: argparse.Namespace, report: Report) -> int:
    from .._limits import within_limits
    from ..lang.diagnostics import DiagnosticError

    try:
        return within_limits(None, import_module(f".{options.verb}", __name__).run, options, report)
    except DiagnosticError as error:
        report.diagnose(error.diagnostics)
        return exit_code(error.diagnostics)
    except KeyboardInterrupt:
        report.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left, which is no fault of the program
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (Exception, RecursionError) as error:
        if options.debug:
            import traceback

            traceback.print_exc()
        report.bug(error)
        return OUR_BUG


def exit_code(diagnostics: Sequence[object]) -> int:
    """1 when a program is wrong, 2 when only the invocation or its data is, 0 when there are no errors.

    >>> exit_code([])
    0
    """
    from ..lang.diagnostics import Diagnostic

    errors = [item for item in diagnostics if isinstance(item, Diagnostic) and item.severity == "error"]
    if not errors:
        return OK
    return BAD_INPUT if all(_is_input(item.code) for item in errors) else WRONG


def _is_input(code: str) -> bool:
    """Codes of unreadable files, bad values and bad requests; the others say that a program is wrong."""
    single = ("E195", "E221", "E222", "E224", "E225")
    ranges = [("E016", "E018"), ("E160", "E189"), ("E210", "E214")]
    ranges += [("E226", "E237"), ("E239", "E241"), ("E246", "E249")]
    return any(first <= code <= last for first, last in ranges) or code in single


def _options(words: Sequence[str]) -> argparse.Namespace:
    """The options of the command; only the verb that is asked for is imported to say what it takes."""
    if not words or words[0] not in VERBS:
        return _overview().parse_args(words)
    verb = words[0]
    line = VERBS[verb]
    parser = argparse.ArgumentParser(prog=f"pf {verb}", description=line[0].upper() + line[1:] + ".")
    parser.set_defaults(verb=verb)
    import_module(f".{verb}", __name__).configure(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an internal error")
    return parser.parse_intermixed_args(words[1:])


def _overview() -> argparse.ArgumentParser:
    """What `pf --help` prints."""
    from .. import __version__

    parser = argparse.ArgumentParser(
        prog="pf",
        description="Differentiate, run and check small functional array programs (.pf files).",
        epilog="`pf VERB --help` describes one verb. Exit codes: 0 fine, 1 the program is wrong, 2 bad input, "
        "101 our bug.",
    )
    parser.add_argument("--version", action="version", version=f"pushforward {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, line in VERBS.items():
        verbs.add_parser(name, help=line)
    return parser
