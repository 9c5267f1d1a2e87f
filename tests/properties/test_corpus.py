"""A thousand generated programs through every check and evaluator, and what the corpus contains.

The corpus comes in parts, so that it spreads over workers; each leaves what it found in a folder they share, and the
part that finishes last looks at the whole. `make test` runs the first parts, `make soak` the others.
"""

from __future__ import annotations

import gc
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from pushforward.ad.cost import flops
from pushforward.ad.reverse import reverse
from pushforward.lang import primitives
from pushforward.lang.builder import body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import F64
from pushforward.lang.passes import normalise
from pushforward.verify.properties.corpus import COST, DEAR, check_case
from pushforward.verify.properties.coverage import Coverage, Features, coverage, features
from pushforward.verify.properties.soak import case_of

PARTS, SHORT, PROGRAMS = 20, 8, 50
COMPILED = frozenset(range(0, PROGRAMS, 9))  # six of fifty, as many of them of either suite
STEPS = ("straight", "Each", "Fold", "Branch")
PARAMETRIC = frozenset({"integer_pow", "reduce_precision", "polygamma"})
ROWS = ("Smooth", "Linear", "Piecewise", "Selects", "Implicit", "Defined", "Discrete")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same for all workers."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "corpus"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Looking for cycles between the programs of a part takes a seventh of the time."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("part", range(SHORT))
def test_generated_programs_agree_everywhere(part: int, shared: Path) -> None:
    _check_part(part, shared, SHORT)


@pytest.mark.soak
@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("part", range(PARTS))
def test_more_generated_programs_agree_everywhere(part: int, shared: Path) -> None:
    _check_part(part, shared, PARTS)


def _check_part(part: int, shared: Path, parts: int) -> None:
    found = []
    for place in range(PROGRAMS):
        seed = part * PROGRAMS + place
        case = case_of(seed)
        assert not case.near_a_kink
        faults = check_case(case, xla=place in COMPILED)
        assert not faults, "\n\n".join(map(str, faults))
        found.append(features(case))
    _write(shared / f"{part}.json", found)
    files = list(shared.glob("*.json"))
    if len(files) == parts:
        _check_contents(coverage([one for file in files for one in _read(file)]), parts)


def _check_contents(whole: Coverage, parts: int) -> None:
    assert whole.programs == parts * PROGRAMS
    assert whole.median_steps >= 12
    assert whole.loops >= 0.3
    assert whole.second_order >= 0.2
    assert whole.function_arguments >= 0.2
    assert whole.variants >= 0.1
    assert whole.nested_binders >= 0.2
    assert whole.indexed_captures >= 0.1
    rare = {(step, row): count for step in STEPS for row in ROWS if (count := whole.kinds[step, row]) < parts}
    assert not rare


def _write(file: Path, found: list[Features]) -> None:
    rows = [asdict(one) | {"kinds": [[*key, count] for key, count in one.kinds.items()]} for one in found]
    half = file.with_suffix(".part")
    half.write_text(json.dumps(rows), encoding="utf-8")
    half.rename(file)


def _read(file: Path) -> list[Features]:
    rows = json.loads(file.read_text(encoding="utf-8"))
    return [Features(**row | {"kinds": Counter({(a, b): count for a, b, count in row["kinds"]})}) for row in rows]


def test_a_minimum_of_numbers_that_a_compiler_computes_twice() -> None:
    """A program whose compiled gradient was NaN: no recomputed element equalled the minimum any more."""
    assert check_case(case_of(4340), xla=True) == []


def test_which_rows_are_dearer_than_the_bound_alone() -> None:
    """The bound on the cost of reverse mode lists them, with what each of them costs."""
    found = {}
    for name, row in primitives.table().items():
        operands = re.fullmatch(r"\(([fn](?:, [fn])*)\) -> [fn]", row.type)
        if row.elementwise and operands is not None and name not in PARAMETRIC:
            count = len(operands[1].split(", "))
            alone = body(name, [F64] * count, lambda b, x, name=name: [b.apply(name, *x)])
            try:
                both, value = flops(normalise(reverse(normalise(alone)))), flops(normalise(alone))
                found[name] = both if both > COST * value else 0
            except DiagnosticError as error:  # the row has no derivative in one of its operands
                assert error.diagnostics[0].code == "E112"
    assert len(found) > 50
    assert {name: price for name, price in found.items() if price} == DEAR


def test_arctangents_of_two_arguments_cost_what_they_cost_alone() -> None:
    assert not check_case(case_of(22934))
