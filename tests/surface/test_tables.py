"""The committed parse tables are those of the grammar, and the grammar has no conflicts."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pushforward.lang.surface import tables
from pushforward.lang.surface.build import MAKE
from pushforward.lang.surface.parser import read

FOLDER = Path(tables.__file__).parent
PROGRAMS = sorted(Path(__file__).parents[1].rglob("*.pf"))


def test_the_committed_tables_match_the_grammar() -> None:
    assert tables.render(tables.generate()) == (FOLDER / "tables.json").read_text("utf-8")


@pytest.mark.skipif(find_spec("interegular") is None, reason="strict mode needs interegular")
def test_neither_rules_nor_terminals_conflict() -> None:
    assert tables.generate(strict=True) == tables.generate()


def test_every_rule_has_a_function_and_every_function_a_rule() -> None:
    assert {rule.make for rule in tables.load_tables().rules} - {"", "_"} == set(MAKE)


def test_lark_itself_accepts_the_same_programs() -> None:
    from lark import Lark

    lark = Lark((FOLDER / "grammar.lark").read_text("utf-8"), parser="lalr", lexer="basic", start="start")
    assert PROGRAMS
    for path in PROGRAMS:
        lark.parse(read(path).text)


def test_parsing_loads_no_parser_generator_and_no_numerics() -> None:
    code = (
        "import sys\n"
        "from pushforward.lang.surface.format import format_source\n"
        "from pushforward.lang.source import Source\n"
        "format_source(Source('<text>', 'def f(x) = x'))\n"
        "print(*sorted({'lark', 'numpy', 'jax', 'sympy', 'scipy', 'z3', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
