"""The error index against the code: every code that is raised has a row, and no code has two."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from pushforward import errors
from pushforward.cli import main

ROOT = Path(__file__).parents[2]
PACKAGES = ("lang", "ad", "codegen", "semantics", "verify", "pushforward")


def raised() -> dict[str, str]:
    """Codes that stand as the first argument of `fail` or `Diagnostic`, with a file that does so."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if not path.parent.is_symlink():
                calls = re.findall(r'(?:fail|Diagnostic)\(\s*"(E\d{3})"', path.read_text(encoding="utf-8"))
                found.update(dict.fromkeys(calls, path.name))
    return found


def test_every_code_that_is_raised_has_a_row() -> None:
    known = errors.error_rows()
    codes = raised()
    assert len(codes) > 60
    assert {code: file for code, file in codes.items() if code not in known} == {}


def test_no_code_has_two_rows() -> None:
    codes = Counter(row.code for table in errors.TABLES for row in table)
    assert [code for code, count in codes.items() if count > 1] == []


def test_rows_are_complete() -> None:
    for row in errors.error_rows().values():
        assert re.fullmatch(r"E\d{3}", row.code) and row.kind in ("user", "limit")
        assert row.title and not row.title.endswith(".") and row.explanation.strip() and row.example.strip(), row.code


@pytest.mark.parametrize("package", ["lang", "ad", "semantics", "verify", "pushforward"])
def test_every_diagnostic_carries_a_hint(package: str) -> None:
    bare = []
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("fail", "Diagnostic") and _states_a_code(node):
                if len(node.args) < 7 and "hint" not in {keyword.arg for keyword in node.keywords}:
                    bare.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not bare, "\n".join(bare)


def _states_a_code(call: ast.Call) -> bool:
    return bool(call.args) and re.fullmatch(r"'E\d{3}'", ast.unparse(call.args[0])) is not None


@pytest.mark.parametrize("code", errors.error_rows())
def test_every_code_is_explained(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code.lower()]) == 0
    assert capsys.readouterr().out.startswith(f"{code}: ")
