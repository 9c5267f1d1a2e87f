"""The prelude: it checks, every definition is documented, typed and mentioned by a test, and every claim holds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pushforward.ad.transforms import TRANSFORMS
from pushforward.lang.module import PRELUDE, Module, load_module, prelude_words
from pushforward.lang.specialise import specialise
from pushforward.lang.surface import ast
from pushforward.lang.typed import CheckedTest
from pushforward.semantics.reference import evaluate

FILES = sorted(PRELUDE.glob("*.pf"))


def results(module: Module, test: CheckedTest, node: ast.Expr) -> list[np.ndarray]:
    program = specialise(module.claim(test, node), module.definitions, transforms=TRANSFORMS)
    return [np.asarray(result) for result in evaluate(program, [])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_claims_hold(path: Path) -> None:
    module = load_module(path)
    assert module.diagnostics == ()
    for test in module.tests:
        for claim in test.test.claims:
            assert isinstance(claim, ast.Check)
            found = results(module, test, claim.value)
            if claim.expected is None:
                assert all(bool(value) for value in found), claim.span.text
                continue
            tolerance = 1e-12 if claim.tolerance is None else float(results(module, test, claim.tolerance)[0])
            for value, wanted in zip(found, results(module, test, claim.expected), strict=True):
                relative = max(1e-9, tolerance)
                np.testing.assert_allclose(value, wanted, relative, tolerance, err_msg=claim.span.text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_checks_whatever_real_means(path: Path) -> None:
    assert load_module(path, real="f32").diagnostics == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_definition_is_documented_and_tested(path: Path) -> None:
    text = path.read_text("utf-8")
    definitions, tests = text.split('\ntest "', 1)
    for match in re.finditer(r"^def (\w+)", definitions, re.MULTILINE):
        before = definitions[: match.start()].rstrip("\n").splitlines()
        assert before and before[-1].startswith("-- "), f"{match[1]} has no comment"
        assert re.search(rf"\b{match[1]}\(", tests), f"no test mentions {match[1]}"


def test_every_definition_declares_its_result() -> None:
    for path in FILES:
        for definition in load_module(path).checked.definitions.values():
            assert definition.definition.result is not None, definition.definition.name


def test_words_are_defined_once() -> None:
    found = [word for path in FILES for word in re.findall(r"^def (\w+)", path.read_text("utf-8"), re.MULTILINE)]
    assert len(found) == len(set(found)) == len(prelude_words())
