"""The source tree as data: the packages, their modules, and what each module imports.

Everything is read from text by `ast`, so that nothing is imported and an import cycle cannot hide a finding.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOWER_PACKAGES = ("lang", "ad", "codegen", "semantics", "verify")  # in the order in which they may import


@dataclass(frozen=True)
class Import:
    """One imported module, by absolute dotted name, and where the import stands."""

    module: str
    line: int
    at_top: bool  # runs when the module is loaded, not inside a function or under TYPE_CHECKING


@dataclass(frozen=True)
class SourceFile:
    """One Python file of the product with the dotted name under which it is installed."""

    path: Path
    module: str

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def package(self) -> str:
        return self.module if self.is_package else self.module.rpartition(".")[0]


@cache
def project() -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def folder_of(package: str) -> Path:
    """The real folder of `pushforward` or of one of the five packages."""
    return ROOT / package


def python_files(package: str) -> list[Path]:
    """All Python files under one top folder, never through a link."""
    top = folder_of(package)
    links = {entry for entry in top.iterdir() if entry.is_symlink()}
    return sorted(path for path in top.rglob("*.py") if links.isdisjoint(path.parents))


@cache
def sources() -> tuple[SourceFile, ...]:
    """Every Python file of the product."""
    found = []
    for package in (*LOWER_PACKAGES, "pushforward"):
        for path in python_files(package):
            parts = path.relative_to(ROOT).with_suffix("").parts
            prefix = () if package == "pushforward" else ("pushforward",)
            named = [*prefix, *parts]
            found.append(SourceFile(path, ".".join(named[:-1] if named[-1] == "__init__" else named)))
    return tuple(found)


def parse(source: SourceFile) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(source.path.read_text(), filename=str(source.path))


def imports_of(source: SourceFile) -> list[Import]:
    """Every import statement of a file; `from p import x` yields `p.x`, so that sub-modules are seen."""
    return list(_imports(parse(source), source, at_top=True))


def _imports(node: ast.AST, source: SourceFile, at_top: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, at_top)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, source)
        for alias in node.names:
            yield Import(f"{base}.{alias.name}".lstrip("."), node.lineno, at_top)
    lazy = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or _is_type_checking(node)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, source, at_top and not lazy)


def _absolute(node: ast.ImportFrom, source: SourceFile) -> str:
    if not node.level:
        return node.module or ""
    parts = source.package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
