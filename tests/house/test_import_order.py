"""Imports point up one table only, stay relative inside the product, and keep quick commands light."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from .tree import LOWER_PACKAGES, Import, SourceFile, imports_of, sources

# `pf check`, `pf fmt` and `pf explain` answer at once; each of these takes up to three seconds to load.
HEAVY = frozenset({"jax", "jaxlib", "llvmlite", "numpy", "rich", "scipy", "sympy", "z3"})
LIGHT_COMMANDS = ("check", "explain", "fmt")
TRACING = "pushforward.lang.from_jax."  # modules that read JAX's programs are imported on use, as is `lang._jax`
READING = "pushforward.lang._jax"


def may_import(package: str) -> frozenset[str]:
    """The packages below `package` in the table, and itself; `pushforward` stands above all."""
    order = (*LOWER_PACKAGES, "pushforward")
    return frozenset(order[: order.index(package) + 1])


def top_package(module: str) -> str:
    """The row of the table a module belongs to."""
    parts = module.split(".")
    inner = parts[1] if len(parts) > 1 else ""
    return inner if inner in LOWER_PACKAGES else "pushforward"


def product_imports() -> Iterator[tuple[SourceFile, Import]]:
    for source in sources():
        for found in imports_of(source):
            yield source, found


def test_the_table_is_a_chain_that_ends_in_the_public_package() -> None:
    rows = [may_import(package) for package in (*LOWER_PACKAGES, "pushforward")]
    assert rows[0] == {"lang"}
    assert all(lower < upper for lower, upper in pairwise(rows))


def test_imports_point_up_the_table() -> None:
    wrong = [
        f"{source.path.name}:{found.line}: {source.module} imports {found.module}"
        for source, found in product_imports()
        if found.module.split(".")[0] == "pushforward"
        and top_package(found.module) not in may_import(top_package(source.module))
    ]
    assert not wrong, "\n".join(wrong)


def test_lower_packages_import_each_other_relatively() -> None:
    wrong = [
        f"{source.module}:{node.line}: write {node.module} as a relative import"
        for source in sources()
        if top_package(source.module) in LOWER_PACKAGES
        for node in imports_of(source)
        if node.module.split(".")[0] == "pushforward" and _written_absolutely(source, node)
    ]
    assert not wrong, "\n".join(wrong)


def _written_absolutely(source: SourceFile, found: Import) -> bool:
    line = source.path.read_text().splitlines()[found.line - 1].strip()
    return line.startswith(("import pushforward", "from pushforward"))


def test_no_module_is_imported_by_the_name_of_its_folder() -> None:
    wrong = [
        f"{source.module}:{found.line}: import {found.module}"
        for source, found in product_imports()
        if found.module.split(".")[0] in LOWER_PACKAGES
    ]
    assert not wrong, "\n".join(wrong)


def test_the_language_never_imports_the_terminal_library() -> None:
    wrong = [
        f"{source.module}:{found.line}"
        for source, found in product_imports()
        if top_package(source.module) == "lang" and found.module.split(".")[0] == "rich"
    ]
    assert not wrong, "\n".join(wrong)


def loaded_with(start: str) -> dict[str, str]:
    """Modules that loading `start` loads at once, each with the module that asked for it."""
    by_name = {source.module: source for source in sources()}
    asked_by: dict[str, str] = {}
    waiting = [(start, "the command line")]
    while waiting:
        module, parent = waiting.pop()
        if module in asked_by:
            continue
        asked_by[module] = parent
        package, _, _ = module.rpartition(".")
        if package:
            waiting.append((package, module))
        if module in by_name:
            waiting += [(found.module, module) for found in imports_of(by_name[module]) if found.at_top]
    return asked_by


@pytest.mark.parametrize("command", LIGHT_COMMANDS)
def test_light_commands_load_no_heavy_library(command: str) -> None:
    module = f"pushforward.cli.{command}"
    assert module in {source.module for source in sources()}
    loaded = loaded_with(module)
    heavy = [f"{parent} imports {name}" for name, parent in loaded.items() if name in HEAVY]
    assert not heavy, "\n".join(heavy)


def test_the_language_loads_no_heavy_library_outside_tracing() -> None:
    wrong = [
        f"{source.module}:{found.line}: import {found.module} inside the function that needs it"
        for source, found in product_imports()
        if top_package(source.module) == "lang" and not source.module.startswith(READING)
        if found.at_top and found.module.split(".")[0] in HEAVY
        if not (source.module.startswith(TRACING) and found.module.split(".")[0] == "numpy")
    ]
    assert not wrong, "\n".join(wrong)
