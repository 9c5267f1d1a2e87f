"""Values against types: what fits, what is inferred, and what each misfit says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import Signature
from pushforward.lang.sizes import add, mul, variable
from pushforward.lang.types import BOOL, F32, F64, I64, Record, SizeType, Tuple, Type, array
from pushforward.semantics.results import assemble, nonfinite_place, places, to_json
from pushforward.semantics.values import bind

N, M = variable("n"), variable("m")


def leaves(type_: Type, value: Any, sizes: tuple[str, ...] = ("n",)) -> list[Any]:
    """The arrays of one value, as lists."""
    return [leaf.tolist() for leaf in bind(Signature((("x", type_),), F64), sizes, (value,)).leaves]


def refused(type_: Type, value: Any, sizes: tuple[str, ...] = ()) -> str:
    """The code and text of the diagnostic."""
    with pytest.raises(DiagnosticError) as caught:
        bind(Signature((("x", type_),), F64), sizes, (value,))
    return str(caught.value)


PAIRS = array((N,), Tuple((F64, I64)))
STATES = array((N,), Record((("mu", F64), ("on", BOOL))))


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (array((N,), F64), [1, 2.5], [[1.0, 2.5]]),
        (array((N,), F64), [], [[]]),
        (PAIRS, [(1, 2), (3, 4)], [[1.0, 3.0], [2, 4]]),
        (PAIRS, ([1, 3], [2, 4]), [[1.0, 3.0], [2, 4]]),
        (array((N,), Tuple((F64, F64))), np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 3.0], [2.0, 4.0]]),
        (STATES, [{"mu": 1, "on": True}], [[1.0], [True]]),
        (STATES, {"mu": [1], "on": [True]}, [[1.0], [True]]),
    ],
)
def test_arrays_of_structures_are_read_either_way_round(type_: Type, value: Any, expected: list[Any]) -> None:
    assert leaves(type_, value) == expected


def test_results_have_the_structure_of_their_type() -> None:
    type_ = Tuple((STATES, F64))
    parts = iter([np.array([1.0, 2.0]), np.array([True, False]), np.array(3.0)])
    states, last = assemble(type_, parts)
    assert states["mu"].tolist() == [1.0, 2.0]
    assert states["on"].tolist() == [True, False]
    assert last == 3.0 and isinstance(last, float)
    assert list(places(type_, "result")) == ["result.0.mu", "result.0.on", "result.1"]


def test_sizes_are_solved_from_linear_shapes_in_any_order() -> None:
    signature = Signature((("a", array((mul(2, M), add(N, 1)), F64)), ("b", array((add(N, M),), F64))), F64)
    assert dict(bind(signature, ("n", "m"), (np.zeros((6, 3)), np.zeros(5))).sizes) == {"n": 2, "m": 3}


def test_a_size_parameter_takes_no_slot_and_names_a_size() -> None:
    signature = Signature((("n", SizeType()), ("x", F64)), F64)
    bound = bind(signature, ("n",), (4, 1.5))
    assert dict(bound.sizes) == {"n": 4} and len(bound.leaves) == 1


def test_a_size_that_no_shape_gives_may_be_named() -> None:
    assert dict(bind(Signature((), F64), ("n",), (), {"n": 3}).sizes) == {"n": 3}


@pytest.mark.parametrize(
    ("type_", "value", "words"),
    [
        (array((3,), F64), [1.0, 2.0], ["E165", "`x` has length 2, but 3 is needed"]),
        (
            array((N,), F64),
            [[1.0], [2.0]],
            ["E163", "2 axes, but 1 are needed", "expected: [n]f64", "actual: [2, 1]f64"],
        ),
        (array((N,), F64), [[1.0], [2.0, 3.0]], ["E163", "ragged"]),
        (F64, True, ["E164"]),
        (I64, 1.5, ["E164", "i64"]),
        (BOOL, 1, ["E164", "booleans"]),
        (F64, "1.5", ["E164"]),
        (F32, np.float64(0.1), ["E164", "astype"]),
        (Record((("mu", F64),)), {"nu": 1}, ["E163", "lacks `mu`", "{mu: f64}"]),
        (Record((("mu", F64),)), {"mu": 1, "tau": 2}, ["E163", "unknown field `tau`"]),
        (Tuple((F64, F64)), (1.0,), ["E163", "2 values", "1 items"]),
        (array((mul(2, N),), F64), [1.0, 2.0, 3.0], ["E165", "no value of 2 * n"]),
        (array((add(N, 1),), F64), [], ["E165"]),
    ],
)
def test_misfits_name_the_place_and_what_it_wants(type_: Type, value: Any, words: list[str]) -> None:
    text = refused(type_, value)
    assert [word for word in words if word not in text] == []


def test_two_lengths_for_one_size_say_where_the_first_came_from() -> None:
    signature = Signature((("x", array((N,), F64)), ("y", array((N,), F64))), F64)
    with pytest.raises(DiagnosticError, match=r"(?s)E165.*`y` has length 3, but 2 is needed.*n = 2 from `x`"):
        bind(signature, ("n",), ([1, 2], [1, 2, 3]))


def test_missing_extra_and_repeated_inputs_list_what_is_expected() -> None:
    signature = Signature((("rate", F64), ("time", F64)), F64)
    with pytest.raises(DiagnosticError, match=r"(?s)E161.*`time`.*rate: f64, time: f64"):
        bind(signature, (), (1.0,))
    with pytest.raises(DiagnosticError, match=r"(?s)E162.*`tiem`.*did you mean `time`"):
        bind(signature, (), (1.0,), {"tiem": 2.0})
    with pytest.raises(DiagnosticError, match="E162.*twice"):
        bind(signature, (), (1.0,), {"rate": 2.0})
    with pytest.raises(DiagnosticError, match="E162.*3 values for 2 inputs"):
        bind(signature, (), (1.0, 2.0, 3.0))


def test_an_undetermined_size_is_asked_for_by_name() -> None:
    with pytest.raises(DiagnosticError, match=r"(?s)E166.*`n`.*n=10"):
        bind(Signature((), F64), ("n",))


def test_the_first_value_that_is_not_finite_is_found_by_position() -> None:
    arrays = [np.array([1.0, 2.0]), np.array([[1.0, np.nan]]), np.array(np.inf)]
    assert nonfinite_place(arrays, ["a", "b", "c"]) == "`b[0, 1]` is nan"
    assert nonfinite_place(arrays[:1], ["a"]) is None


def test_json_of_numbers_that_json_lacks_is_a_word() -> None:
    assert to_json({"a": np.array([1.0, np.inf, -np.inf, np.nan]), "b": (True, 2)}) == {
        "a": [1.0, "inf", "-inf", "nan"],
        "b": [True, 2],
    }
