"""Every operator and construct gives the tree it should: precedence, associativity, nothing dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushforward.lang.surface import ast
from pushforward.lang.surface.parser import parse_expression

from .golden import check_golden
from .show import show

GOLDEN = Path(__file__).parent / "golden"


def test_trees_of_expressions() -> None:
    texts = (GOLDEN / "expressions.txt").read_text("utf-8").splitlines()
    lines = [f"{text}\n    {show(parse_expression(text))}\n" for text in texts]
    check_golden("expressions.trees.txt", "".join(lines))


def test_comments_and_line_ends_are_blanks() -> None:
    assert parse_expression("x -- a comment\r\n\t+ y --- another\n--\n") == parse_expression("x + y")
    assert parse_expression("a --b") == parse_expression("a - (-b)")


@pytest.mark.parametrize("operator", "or and < <= > >= == != + - * / // % @ ^".split())
def test_every_operator_keeps_its_sign_and_sides(operator: str) -> None:
    node = parse_expression(f"a {operator} b")
    assert isinstance(node, ast.Binary)
    assert (node.operator, show(node.left), show(node.right)) == (operator, "a", "b")


@pytest.mark.parametrize("operator", "or and + - * / // % @".split())
def test_left_associative(operator: str) -> None:
    assert parse_expression(f"a {operator} b {operator} c") == parse_expression(f"(a {operator} b) {operator} c")
    assert parse_expression(f"a {operator} b {operator} c") != parse_expression(f"a {operator} (b {operator} c)")


def test_power_is_right_associative_and_binds_tighter_than_the_sign() -> None:
    assert parse_expression("a^b^c") == parse_expression("a^(b^c)")
    assert parse_expression("-x^2") == parse_expression("-(x^2)") != parse_expression("(-x)^2")
    assert parse_expression("2^-x") == parse_expression("2^(-x)")


@pytest.mark.parametrize(
    ("loose", "tight"),
    [("or", "and"), ("and", "=="), ("==", "+"), ("<", "-"), ("+", "*"), ("-", "//"), ("*", "^"), ("@", "^")],
)
def test_precedence(loose: str, tight: str) -> None:
    assert parse_expression(f"a {loose} b {tight} c") == parse_expression(f"a {loose} (b {tight} c)")
    assert parse_expression(f"a {tight} b {loose} c") == parse_expression(f"(a {tight} b) {loose} c")


def test_spans_cover_the_text_of_a_node() -> None:
    node = parse_expression("alpha + f(beta, 2.0)")
    assert isinstance(node, ast.Binary)
    assert node.span.text == "alpha + f(beta, 2.0)"
    assert node.left.span.text == "alpha"
    assert node.right.span.text == "f(beta, 2.0)"


def test_spans_are_outside_equality() -> None:
    assert parse_expression("a+b") == parse_expression("a   +   b")
