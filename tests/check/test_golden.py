"""Programs that must check, with their schemes, and programs that must not, with every message as it is shown."""

from __future__ import annotations

from pushforward.lang.diagnostics import render
from pushforward.lang.types import show_type

from .golden import HERE, check_golden
from .helpers import check


def test_accepted_definitions_have_these_schemes() -> None:
    module = check((HERE / "accepted.pf").read_text("utf-8"))
    assert not module.diagnostics, "\n\n".join(map(render, module.diagnostics))
    lines = []
    for name, found in module.definitions.items():
        parameters = ", ".join(f"{word}: {show_type(type_)}" for word, type_ in found.scheme.parameters)
        conditions = "".join(f" | {size} >= {least}" for size, least, _ in found.scheme.conditions)
        unproved = "".join(f" ? {span.text}" for span in found.typing.unproved)
        lines.append(f"{name}: ({parameters}) -> {show_type(found.scheme.result)}{conditions}{unproved}\n")
    check_golden("accepted.schemes.txt", "".join(lines))


def test_rejected_programs_give_these_messages() -> None:
    programs = (HERE / "rejected.txt").read_text("utf-8").split("\n====\n")
    parts = []
    for number, text in enumerate(programs, 1):
        found = check(text.strip() + "\n", f"program {number}").diagnostics
        assert any(diagnostic.severity == "error" for diagnostic in found), text
        parts.append("\n\n".join(map(render, found)))
    check_golden("rejected.messages.txt", "\n====\n".join(parts) + "\n")
