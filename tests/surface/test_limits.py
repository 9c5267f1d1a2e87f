"""Large, deep and damaged texts end in a diagnostic."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.source import Source
from pushforward.lang.surface import lexer, limits
from pushforward.lang.surface.format import format_source
from pushforward.lang.surface.parser import parse, parse_expression, read


def code_of(text: str) -> str:
    with pytest.raises(DiagnosticError) as caught:
        parse_expression(text)
    return caught.value.diagnostics[0].code


NESTED = {
    "parentheses": ("(", "x", ")"),
    "brackets": ("[", "x", "]"),
    "calls": ("f(", "x", ")"),
    "signs": ("-(", "x", ")"),
    "negations": ("not ", "x", ""),
    "conditions": ("if a then b else ", "x", ""),
    "builds": ("for i < n => ", "x", ""),
    "functions": ("fn (x) => ", "x", ""),
    "blocks": ("let x = ", "x", " in x"),
    "bodies": ("let x = 1 in ", "x", ""),
    "powers": ("x^", "x", ""),
    "updates": ("", "x", " with [1] = 2"),
    "sums": ("", "x", " + x"),
    "indices": ("", "x", "[0]"),
    "projections": ("", "x", ".y"),
    "primes": ("", "x", "'"),
    "arms": ("match x { A => ", "x", " }"),
}


@pytest.mark.parametrize("parts", NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_is_a_limit_and_never_a_crash(parts: tuple[str, str, str]) -> None:
    before, middle, after = parts
    assert code_of(before * 10_000 + middle + after * 10_000) == "E015"
    text = "def f() = " + before * 150 + middle + after * 150
    assert parse(Source("a", format_source(Source("b", text)))) is not None


def test_unclosed_brackets_stop_early() -> None:
    assert code_of("(" * 100_000) == "E015"


def test_a_long_sum_gets_its_own_hint() -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse_expression(" + ".join(["x"] * 5_000))
    assert "sum(for" in str(caught.value.diagnostics[0].hint)


def test_passes_may_walk_trees_of_full_depth() -> None:
    def height(node: object) -> int:
        inner = [height(bind.value) for bind in getattr(node, "binds", ())]
        return 1 + max(inner, default=0)

    with limits.room_to_recurse():
        assert height(parse_expression("let x = " * 190 + "1" + " in x" * 190)) == 191


def test_long_flat_programs_parse() -> None:
    lines = "".join(f"  let x{i} = x{i - 1} * sin(x{i - 2}) + 0.5\n" for i in range(2, 3_000))
    tree = parse(Source("chain.pf", f"def f(x0, x1) =\n{lines}  in x2999\n"))
    (item,) = tree.items
    assert len(item.body.binds) == 2_998  # type: ignore[union-attr]


def test_numbers_of_many_digits() -> None:
    assert code_of("1" * 5_000) == "E013"


def test_files_that_are_not_text(tmp_path: Path) -> None:
    cases = {
        b"def f(x) = x\n\xff": ("E017", "byte 0xff at offset 13, line 2"),
        b"\xef\xbb\xbfab\x80": ("E017", "offset 5"),
        b"-" * (limits.LARGEST + 1): ("E016", "4 MiB"),
    }
    for data, (code, words) in cases.items():
        path = tmp_path / "case.pf"
        path.write_bytes(data)
        with pytest.raises(DiagnosticError) as caught:
            read(path)
        assert caught.value.diagnostics[0].code == code
        assert words in caught.value.diagnostics[0].message
    with pytest.raises(DiagnosticError) as caught:
        read(tmp_path)
    assert caught.value.diagnostics[0].code == "E018"


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "marked.pf"
    path.write_bytes(b"\xef\xbb\xbfdef f(x) = x\n")
    assert len(parse(read(path)).items) == 1


def test_nul_and_size_are_checked_for_texts_too() -> None:
    for text, code in (
        ("a\0b", "E017"),
        ("x" * (limits.LARGEST + 1), "E016"),
        ("-- " + "é" * 3_000_000, "E016"),
    ):
        assert code_of(text) == code


def test_the_number_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexer, "MOST_PIECES", 1_000)
    assert code_of("+" * 1_001) == "E016"
    assert code_of("+" * 999) == "E001"
