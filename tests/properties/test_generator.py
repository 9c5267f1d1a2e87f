"""The generator: replay, well-typedness under Hypothesis, and how small failing programs become."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import HealthCheck, find, given, settings

import pushforward as pf
from pushforward.lang.module import parse_module
from pushforward.verify.properties.case import Case, run
from pushforward.verify.properties.generator import Generated, seeded_program, write_program
from pushforward.verify.properties.generator.choices import recorded

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
EXAMPLES = settings(max_examples=25, suppress_health_check=SLOW)


def test_a_seed_gives_one_program_and_its_choices_give_it_again() -> None:
    for seed in range(5):
        program = seeded_program(seed)
        assert program.text == seeded_program(seed).text
        assert write_program(recorded(program.choices)).text == program.text


def test_no_choices_give_a_small_program() -> None:
    assert len(write_program(recorded([])).text.splitlines()) <= 5


@EXAMPLES
@given(pf.strategies.generated("guarded"))
def test_drawn_texts_are_well_typed(generated: Generated) -> None:
    assert parse_module(generated.text).errors == ()


@EXAMPLES
@given(pf.strategies.programs())
def test_drawn_programs_have_values_and_reverse_mode(program: pf.Program) -> None:
    assert program.name == "main"
    assert program.ir.inputs


@settings(max_examples=10, suppress_health_check=SLOW)
@given(pf.strategies.generated("smooth"))
def test_smooth_programs_are_finite(generated: Generated) -> None:
    case = Case(generated, 0)
    assert all(np.all(np.isfinite(y)) for y in run(case.first, case.xs))


def test_hypothesis_shrinks_to_a_few_lines() -> None:
    found = find(
        pf.strategies.generated("smooth"),
        lambda generated: "loop" in generated.text,
        settings=settings(max_examples=300, derandomize=True, database=None, suppress_health_check=SLOW),
    )
    assert len(found.text.splitlines()) <= 6


def test_importing_the_strategies_imports_neither_hypothesis_nor_jax() -> None:
    code = "import pushforward.strategies, sys; print([m for m in ('hypothesis', 'jax', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
