"""The corpus of JAX functions: nothing is left out in silence, and verdicts say what happened."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks.areas.embed_corpus import rows_of
from benchmarks.corpus import callables, compositions, kept, ours, packages, primitives, runner
from benchmarks.corpus.entry import Draw, Entry, equations
from benchmarks.corpus.exclusions import EXCLUDED, PRIMITIVES
from benchmarks.corpus.oracle import Leaves, Unfit, measure
from pushforward.lang.diagnostics import fail


@pytest.mark.skipif(jax.__version_info__ >= (0, 11), reason="the tables name what JAX 0.10 has")
def test_examples_and_exclusions_name_callables_that_exist() -> None:
    assert not (set(callables.EXAMPLES) | set(EXCLUDED)) - set(callables.names())
    assert not set(callables.EXAMPLES) & set(EXCLUDED)


def test_every_primitive_has_a_function_or_a_reason() -> None:
    known = set(primitives.BY_CALLABLE) | set(primitives.WRITTEN)
    assert not set(primitives.names()) - known - set(PRIMITIVES)
    assert not known & set(PRIMITIVES)
    assert not set(primitives.BY_CALLABLE.values()) - set(callables.names())


@pytest.mark.parametrize("name", ["cos", "scatter-add", "while"])
def test_entry_of_a_primitive_holds_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    made = primitives.entry(name)
    assert made is not None and primitives.holds(made, name)


def test_there_are_forty_compositions_and_twenty_programs() -> None:
    assert len(compositions.names()) == 40
    assert len(packages.names()) == 20


@pytest.mark.parametrize("shape", [(), (3,), (2, 4)])
def test_draws_are_distinct_and_away_from_kinks(shape: tuple[int, ...]) -> None:
    drawn = Draw("a").normal(*shape)
    assert drawn.shape == shape
    assert len(np.unique(drawn)) == drawn.size
    assert (np.abs(2 * drawn - np.round(2 * drawn)) > 0.05).all()


def test_equations_are_found_at_any_depth() -> None:
    jaxpr = jax.make_jaxpr(jax.jit(lambda x: jax.lax.cond(x > 0, jax.numpy.sin, jax.numpy.cos, x)))(1.0)
    assert {"sin", "cos"} <= {equation.primitive.name for equation in equations(jaxpr)}


def test_oracle_says_what_jax_cannot_differentiate() -> None:
    def called(x: Any) -> Any:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), np.float32), x)

    found = measure(Entry("test", "called", called, (np.float32(1.0),)))
    assert found.has == "value" and "callback" in str(found.jvp).lower()


def test_oracle_refuses_numbers_that_are_not_finite() -> None:
    with pytest.raises(Unfit, match="not finite"):
        measure(Entry("test", "log", jax.numpy.log, (np.float32(-1.0),)))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1.5, 7.0),
        (np.array(2), ()),
        ((1.0, 2, {"a": 3}), (7.0, (), ())),
        ([1.0, 2, (3,)], [7.0, None, None]),
        ([1, 2], None),
        ({"a": (1, 2.0)}, {"a": ((), 7.0)}),
    ],
)
def test_directions_take_our_form(value: object, wanted: object) -> None:
    assert ours.in_our_form(value, jax.tree.map(lambda _: 7.0, value)) == wanted


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (np.array([1.0, 2.5]), "2.5"),
        (np.array([1.0]), "shape"),
        (np.array([1, 2]), "dtype"),
    ],
)
def test_a_difference_is_worded(found: np.ndarray, says: str) -> None:
    wanted = Leaves((np.array([1.0, 2.0]),), (np.full(2, 1e-10),))
    with pytest.raises(ours.Differs, match=says):
        ours.compare("value", [found], wanted)


def test_agreement_is_a_share_of_the_tolerance() -> None:
    wanted = Leaves((np.array([1.0, 2.0]),), (np.full(2, 1e-10),))
    assert ours.compare("value", [np.array([1.0, 2.0 + 5e-11])], wanted) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("problem", "stage", "status"),
    [
        (fail("E203", "complex numbers"), "trace", "refused"),
        (fail("E186", "not in this version"), "vjp", "refused"),
        (fail("E150", "not finite"), "value", "wrong"),
        (ours.Differs("value: 1, not 2"), "value", "wrong"),
        (KeyError("x"), "jvp", "crashed"),
    ],
)
def test_status_follows_from_what_was_raised(problem: Exception, stage: str, status: str) -> None:
    entry = Entry("test", "x", abs, (1.0,))
    assert ours.classified(entry, problem, stage, 0.0).status == status


def test_runner_goes_on_after_an_entry_that_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state.jsonl"
    script = tmp_path / "runs.py"
    script.write_text(
        "import json, sys\n"
        "with open(sys.argv[1], 'a') as file:\n"
        "    for name in sys.argv[4:]:\n"
        "        print(json.dumps({'begun': name}), file=file, flush=True)\n"
        "        if name == 'p/d':\n"
        "            sys.exit(1)\n"
        "        print(json.dumps({'answered': name}), file=file, flush=True)\n"
        "        if name == 'p/b':\n"
        "            sys.exit(139)\n"
        "        print(json.dumps({'id': name, 'status': 'right'}), file=file, flush=True)\n"
    )
    monkeypatch.setattr(runner, "COMMAND", (sys.executable, str(script)))
    names = ["p/a", "p/b", "p/c", "p/d", "p/e"]
    found = runner.measured(names, state)
    assert [found[name]["status"] for name in names] == ["right", "crashed", "right", "unresolved", "right"]
    assert runner.measured(["p/a"], state) == {**found}


def test_rows_name_what_is_wrong_refused_and_absent() -> None:
    verdicts = [
        {"id": "packages/a", "status": "right"},
        {"id": "packages/b", "status": "crashed"},
        {"id": "packages/c", "status": "refused", "code": "E203"},
        {"id": "packages/d", "status": "absent"},
    ]
    wrong, share, refused = rows_of("packages", verdicts, 4, 0)
    assert (wrong.value, wrong.ok) == (1.0, False) and "b" in wrong.note and "not measured: d" in wrong.note
    assert share.value == pytest.approx(1 / 3) and refused.note == "E203: c"
    (only, *_) = rows_of("packages", verdicts[3:], 4, 0)
    assert only.ok is None


def test_state_is_one_json_object_a_line(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    runner.append(state, {"begun": "p/a"})
    assert json.loads(state.read_text()) == {"begun": "p/a"}
    assert runner.read(state) == ({}, "p/a", False)
