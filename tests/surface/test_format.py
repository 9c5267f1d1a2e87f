"""The formatter: same tree, same comments, stable, within the width."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushforward.lang.source import Source
from pushforward.lang.surface import ast
from pushforward.lang.surface.format import WIDTH, format_node, format_source
from pushforward.lang.surface.lexer import tokenize
from pushforward.lang.surface.parser import parse, parse_expression, read

from .generate import expressions, trees
from .golden import check_golden

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GOLDEN = Path(__file__).parent / "golden"
PROGRAMS = sorted(
    path
    for folder in ("tests", "examples", "lang/prelude", "benchmarks")
    for path in Path(__file__).parents[2].joinpath(folder).rglob("*.pf")
)


def assert_formats_well(text: str) -> str:
    """Format, and check that tree and comments stay and that formatting again changes nothing."""
    once = format_source(Source("once", text))
    assert parse(Source("once", once)) == parse(Source("text", text))
    assert format_source(Source("twice", once)) == once
    assert sorted(_comments(once)) == sorted(_comments(text))
    assert not any(line != line.rstrip() for line in once.split("\n"))
    return once


def _comments(text: str) -> list[str]:
    return [comment for _, comment, *_ in tokenize(text)[1]]


@pytest.mark.parametrize("name", ["items", "layout"])
def test_golden_layouts(name: str) -> None:
    check_golden(f"{name}.formatted.txt", assert_formats_well(read(GOLDEN / f"{name}.txt").text))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_of_the_repository(path: Path) -> None:
    assert_formats_well(read(path).text)


@relaxed
@given(expressions)
def test_expressions_survive_on_one_line(node: ast.Expr) -> None:
    assert parse_expression(format_node(node)) == node


@relaxed
@given(trees)
def test_trees_survive(tree: ast.Tree) -> None:
    text = format_node(tree)
    assert parse(Source("text", text)) == tree
    assert parse(Source("text", assert_formats_well(text))) == tree


@relaxed
@given(trees, st.integers(0, 2**32))
def test_comments_survive_anywhere(tree: ast.Tree, seed: int) -> None:
    choose = random.Random(seed)
    text, pieces, last = format_node(tree), [], 0
    for number, (_, _, start, end) in enumerate(tokenize(text)[0]):
        pieces.append(text[last:start])
        if choose.random() < 0.1:
            pieces.append(choose.choice((" -- c{}\n", "\n-- c{}\n", "\n\n  -- c{}\n\n")).format(number))
        pieces.append(text[start:end])
        last = end
    assert_formats_well("".join(pieces))


def test_parentheses_are_as_few_as_they_can_be() -> None:
    cases = {
        "((a))+((b)*(c))": "a + b * c",
        "(a+b)+c": "a + b + c",
        "a+(b+c)": "a + (b + c)",
        "-(x^2)": "-x^2",
        "(-x)^2": "(-x)^2",
        "-(-x)": "-(-x)",
        "(f)(x)": "f(x)",
        "(a.b).c": "a.b.c",
        "(1).a": "(1).a",
        "(if a then b else c)": "if a then b else c",
        "(if a then b else c)+1": "(if a then b else c) + 1",
        "not (a==b)": "not a == b",
        "(not a)==b": "(not a) == b",
        "2^(-x)": "2^-x",
        "(x with [0]=1) with [1]=2": "x with [0] = 1 with [1] = 2",
    }
    assert {text: format_node(parse_expression(text)) for text in cases} == cases


def test_lines_break_before_the_width() -> None:
    terms = " + ".join(f"coefficient_{i} * basis_function_{i}(argument)" for i in range(12))
    text = format_source(Source("wide", f"def f(argument) = {terms}"))
    assert max(map(len, text.split("\n"))) <= WIDTH
    assert len(text.split("\n")) > 10


def test_line_ends_of_other_systems() -> None:
    assert format_source(Source("crlf", "-- a\r\ndef f(x) =\r\n\tx -- b\r\n")) == "-- a\ndef f(x) = x  -- b\n"
