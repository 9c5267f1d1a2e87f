"""The public names: each one resolves, and none can be shadowed by a sub-module of the same name."""

from __future__ import annotations

import ast
import importlib
from types import ModuleType

import pytest

import pushforward

from .tree import ROOT, sources

MODULES = sorted(source.module for source in sources() if not source.module.endswith("__main__"))
PUBLIC = sorted(set(pushforward.__all__) - {"__version__"})


@pytest.mark.parametrize("module", MODULES)
def test_every_module_imports(module: str) -> None:
    assert importlib.import_module(module).__name__ == module


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_resolves(name: str) -> None:
    assert callable(getattr(pushforward, name))


def test_no_submodule_takes_the_name_of_a_public_function() -> None:
    # Importing `pushforward.x` sets the attribute `x` of the package and would replace a function `x`.
    entries = {path.name.removesuffix(".py") for path in (ROOT / "pushforward").iterdir()}
    assert entries.isdisjoint(PUBLIC), entries & set(PUBLIC)


def test_public_functions_are_no_modules_after_everything_is_imported() -> None:
    for module in MODULES:
        importlib.import_module(module)
    modules = [name for name in PUBLIC if isinstance(vars(pushforward).get(name), ModuleType)]
    assert not modules


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gradient_of_everything'"):
        _ = pushforward.gradient_of_everything


def test_type_checkers_see_the_public_names_where_they_are_loaded_from() -> None:
    tree = ast.parse((ROOT / "pushforward" / "__init__.py").read_text(encoding="utf-8"))
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: f".{node.module}" for node in imports for alias in node.names}
    assert seen == vars(pushforward)["_EXPORTS"]
    assert set(pushforward.__all__) == {"__version__", *seen}


def test_dir_lists_every_public_name() -> None:
    assert set(pushforward.__all__) <= set(dir(pushforward))
