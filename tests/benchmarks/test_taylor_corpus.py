"""Taylor series of the corpus of JAX functions: what JAX says of them, and what becomes of an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from math import cos, sin
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.areas.taylor_corpus import rows_of
from benchmarks.corpus import ours_series, series
from benchmarks.corpus.entry import Entry
from benchmarks.corpus.oracle import Unfit


def entry_of(function: Callable[..., Any], *arguments: Any) -> Entry:
    return Entry("test", "entry", function, arguments)


def measured(entry: Entry) -> series.Measured:
    with jax.enable_x64(True):
        return series.measure(entry)


def first_leaf(found: series.Measured) -> list[float]:
    return [float(one.arrays[0].sum()) for one in found.orders]


SINE = entry_of(jnp.sin, np.array(0.5))


def test_nested_derivatives_are_coefficients() -> None:
    found = measured(SINE)
    with jax.enable_x64(True):
        v = [float(own[0]) for own in series.coefficients(SINE) if own[0] is not None]
    wanted = [cos(0.5) * v[0], cos(0.5) * v[1] - sin(0.5) * v[0] ** 2 / 2]
    np.testing.assert_allclose(first_leaf(found)[:2], wanted, rtol=1e-14)
    assert found.source == "nested" and found.peer == ("right", "right")
    with pytest.raises(Unfit, match="no result is a float"):
        measured(entry_of(jnp.isfinite, np.array(0.5)))
    with pytest.raises(Unfit, match="no derivative"):
        measured(entry_of(lambda x: jax.lax.nextafter(x, 2 * x), np.array(0.5)))


def test_interpolation_stands_in_where_nesting_ends() -> None:
    """The rule of the derivative has reverse mode only, so JAX has no second derivative."""

    @jax.custom_vjp
    def cosine(x: Any) -> Any:
        return jnp.cos(x)

    @jax.custom_jvp
    def sine(x: Any) -> Any:
        return jnp.sin(x)

    cosine.defvjp(lambda x: (jnp.cos(x), x), lambda x, bar: (-bar * jnp.sin(x),))
    sine.defjvp(lambda primals, tangents: (sine(*primals), cosine(*primals) * tangents[0]))
    found = measured(entry_of(sine, np.array(0.5)))
    assert found.source == "interpolated: nested missing"
    np.testing.assert_allclose(first_leaf(found), first_leaf(measured(SINE)), rtol=1e-7)


def test_oracles_are_read_back() -> None:
    found = measured(SINE)
    again = series.read(series.arrays(found))
    assert (again.source, again.peer) == (found.source, found.peer)
    assert first_leaf(again) == first_leaf(found)


def test_verdicts() -> None:
    oracle = measured(SINE)
    with jax.enable_x64(True):
        right = ours_series.judge(SINE, oracle)
        other = replace(oracle.orders[2], arrays=(oracle.orders[2].arrays[0] + 1e-6,))
        off = replace(oracle, orders=(*oracle.orders[:2], other, oracle.orders[3]))
        wrong = ours_series.judge(SINE, off)
        refused = ours_series.judge(entry_of(lambda x: jnp.abs(x + 1j), np.array(0.5)), oracle)
    assert right.status == "right" and right.unequal is None
    assert [one.status for one in wrong.orders] == ["right", "wrong"]
    assert refused.status == "refused" and refused.orders[0].code == "E203"


def test_values_are_compared_bit_for_bit_and_in_last_places() -> None:
    x = np.array([1.0, 4.0])
    near = x + np.array([0.0, np.spacing(4.0)])
    assert ours_series.unequal([x], [x.copy()]) is None and ours_series.ulps([x], [x.copy()]) == 0
    assert ours_series.unequal([x], [near]) and ours_series.unequal([x], []) and ours_series.ulps([x], [near]) == 1


def test_series_of_structures_take_our_form() -> None:
    entry = entry_of(lambda x, k, y: x, np.ones(2), np.arange(2), {"a": np.ones(()), "k": 3})
    first, second, third = ours_series.series_of(entry, 2)
    assert first is not None and second is None and third is not None
    assert [set(one) for one in third] == [{"a", "k"}] * 2 and third[0]["k"] == ()


def test_rows_count_by_order_and_name_what_is_wrong() -> None:
    good = ours_series.SeriesVerdict("p/a", "right", (_verdict("right"),) * 2, None, 1.5, "nested", ("right",) * 2)
    found = asdict(good)
    verdicts = [
        found,
        {**found, "id": "p/b", "orders": [asdict(_verdict("right")), asdict(_verdict("wrong"))], "unequal": "array 0"},
        {**found, "id": "p/c", "orders": [asdict(_verdict("refused", "E203"))] * 2, "peer": ("KeyError: x",) * 2},
        {"id": "p/d", "status": "unresolved"},
        {"id": "p/e", "status": "crashed"},
    ]
    rows = {row.id: row for row in rows_of(verdicts)}
    assert rows["taylor/corpus/wrong_2"].value == 1 and rows["taylor/corpus/wrong_4"].value == 2
    assert "b; e" in rows["taylor/corpus/wrong_4"].note and "3 of 5 entries" in rows["taylor/corpus/wrong_4"].note
    assert rows["taylor/corpus/share_2"].value == 0.5 and "E203: c" in rows["taylor/corpus/share_2"].note
    assert "2 right, 1 error" in rows["taylor/corpus/lead_2"].note
    assert rows["taylor/corpus/value"].value == 1 and rows["taylor/corpus/value_xla"].value == 1.5
    assert all(row.ok is None for row in rows_of(verdicts[3:4]))


def _verdict(status: Any, code: str = "") -> Any:
    return ours_series.Verdict("p/x", status, code=code)


def test_bessel_functions_are_those_of_mpmath() -> None:
    """JAX's recurrence loses all digits of the fourth derivative."""
    (orders,) = [series.EXACT[name] for name in series.EXACT if name.endswith("bessel_jn")]
    curve = [np.array([2.0]), *(np.array([c]) for c in (1.0, 0.0, 0.0, 0.0))]
    (first, *_) = [leaf.arrays[0] for leaf in orders(curve)]
    wanted = [-0.5767248077568734, -0.06447162473720103, 0.22389077914123567]
    np.testing.assert_allclose(first[:, 0], wanted, rtol=1e-13)
