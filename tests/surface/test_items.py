"""Every kind of item gives the tree it should."""

from __future__ import annotations

from pathlib import Path

from pushforward.lang.source import Source
from pushforward.lang.surface.parser import parse, read

from .golden import check_golden
from .show import show

GOLDEN = Path(__file__).parent / "golden"


def test_trees_of_items() -> None:
    tree = parse(read(GOLDEN / "items.txt"))
    check_golden("items.tree.txt", "".join(show(item) + "\n" for item in tree.items))


def test_an_empty_text_has_no_items() -> None:
    assert [parse(Source("<text>", text)).items for text in ("", "\n\n", "-- only a comment")] == [(), (), ()]
