"""What is said about texts that do not parse: one code, one place and one hint for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushforward.lang.diagnostics import Diagnostic, DiagnosticError
from pushforward.lang.source import Source
from pushforward.lang.surface.errors import SYNTAX
from pushforward.lang.surface.parser import parse, parse_expression, read

from .golden import check_golden

GOLDEN = Path(__file__).parent / "golden"


def findings(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("example.pf", text))
    return caught.value.diagnostics


@pytest.mark.parametrize("row", SYNTAX, ids=lambda row: row.code)
def test_every_code_has_a_text_that_triggers_it(row) -> None:  # noqa: ANN001
    if row.example.startswith("pf check "):
        with pytest.raises(DiagnosticError) as caught:
            read(row.example.removeprefix("pf check "))
        found = caught.value.diagnostics
    else:
        found = findings(row.example)
    assert [item.code for item in found] == [row.code]
    assert found[0].hint or row.code == "E001" or row.code == "E014"


def _first_line(diagnostic: Diagnostic) -> str:
    start = diagnostic.span.start if diagnostic.span else "-"
    labels = "".join(f" [{label.text} @{label.span.start}]" for label in diagnostic.labels)
    return f"    {diagnostic.code} @{start} {diagnostic.message}{labels}\n        hint: {diagnostic.hint}\n"


def test_messages_for_mistakes_in_expressions() -> None:
    report = []
    for text in (GOLDEN / "mistakes.txt").read_text("utf-8").splitlines():
        with pytest.raises(DiagnosticError) as caught:
            parse_expression(text)
        report.append(f"{text}\n{''.join(map(_first_line, caught.value.diagnostics))}")
    check_golden("mistakes.messages.txt", "".join(report))


def test_messages_for_mistakes_in_items() -> None:
    lines = (GOLDEN / "broken_items.txt").read_text("utf-8").splitlines()
    report = [f"{text}\n{''.join(map(_first_line, findings(text)))}" for text in lines]
    check_golden("broken_items.messages.txt", "".join(report))


def test_parsing_goes_on_at_the_next_item() -> None:
    text = "def f(x) = x +\n\ndef g(x) = (x\n\ndef fine(x) = x\n\ndef h(x) = x < x < x\n"
    assert [(item.code, item.span and item.span.line) for item in findings(text)] == [
        ("E001", 3),
        ("E002", 3),
        ("E007", 7),
    ]


def test_an_error_inside_a_test_skips_to_the_next_item() -> None:
    text = 'test "t" {\n  check a b c\n  check d e\n}\n\ndef f(x) = x y\n'
    assert [item.span and item.span.line for item in findings(text)] == [2, 6]


def test_at_most_ten_errors() -> None:
    assert len(findings("def f(x) = x x\n" * 25)) == 10


def test_a_missing_in_points_at_its_let() -> None:
    (item,) = findings("def f(x) =\n  let y = x\n  y\n")
    assert item.code == "E004"
    assert [label.span.line for label in item.labels] == [2]


def test_an_unclosed_bracket_points_at_the_opening_one() -> None:
    (item,) = findings("def f(x) = g(x, (x + 1)\n\n")
    assert item.code == "E002"
    assert item.span is not None and item.span.column == 13


def test_renaming_a_soft_word_is_not_needed() -> None:
    tree = parse(Source("t", "def cost(data: f64, limit: i64) = data * limit\n"))
    assert len(tree.items) == 1


def test_every_prefix_of_a_program_parses_or_is_explained() -> None:
    text = (GOLDEN / "items.txt").read_text("utf-8")
    for end in range(0, len(text), 7):
        try:
            parse(Source("prefix.pf", text[:end]))
        except DiagnosticError as error:
            assert all(item.span is not None and item.span.end <= end for item in error.diagnostics)


def test_every_program_with_a_piece_left_out_parses_or_is_explained() -> None:
    text = (GOLDEN / "items.txt").read_text("utf-8")
    for start in range(0, len(text), 11):
        try:
            parse(Source("hole.pf", text[:start] + text[start + 5 :]))
        except DiagnosticError as error:
            assert all(item.code.startswith("E0") for item in error.diagnostics)


def test_codes_are_unique_and_in_their_range() -> None:
    codes = [row.code for row in SYNTAX]
    assert codes == sorted(set(codes))
    assert all("E001" <= code <= "E029" for code in codes)
