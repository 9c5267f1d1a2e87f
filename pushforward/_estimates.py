"""Estimates of an operator: the methods that take a random key, fields and a point, and give an unbiased estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ._estimate import Pilot
    from ._request import Request
    from .semantics.estimators.intervals import Estimate

Choice = Literal["sampled", "rademacher", "gaussian", "sphere", "auto"]


class Estimates:
    """The part of `Operator` that is random."""

    def estimate(
        self,
        key: Any,
        u: Any,
        point: Any,
        probes: int = 16,
        law: Choice = "sampled",
        confidence: float | None = 0.95,
        **parameters: Any,
    ) -> Estimate:
        """An unbiased estimate of ``op(u)(*point)`` from `probes` random lanes, with an error bar.

        Args:
            key: a key of JAX, which may be traced and batched, or a seed or generator of NumPy.
            u: a program or function of JAX; a tuple of them for several fields.
            point: one array per variable, or the array alone where there is one variable.
            law: ``sampled`` coordinates without replacement, ``rademacher``, ``gaussian`` or ``sphere`` vectors, or
                ``auto`` for the one that `pilot` finds.
            confidence: of the error bar; with None only the mean is computed, in about half the time.

        Returns:
            `value`, `error` (half the width of Student's interval) and `samples` (a value per lane; their mean is
            `value`). First derivatives are exact in each. Raises E217, E218 and E221 as `plan` and a call do, E226 when
            there are too few lanes for an error bar, E227 when the operator has no unbiased estimate, E228 and E229 for
            a bad key, law, confidence or number of lanes.

        >>> import pushforward as pf
        >>> square = pf.parse("def f[n](x: [n]f64): f64 = sum(for i < n => x[i]^4)")["f"]
        >>> found = pf.operator("laplacian(u)", variables="x[n]").estimate(0, square, [1.0] * 50, probes=8)
        >>> found.value, found.error
        (600.0, 0.0)
        """
        from . import _estimate

        found, key = _estimate.settled(self._request(u, point, probes, law, parameters), key)
        return _estimate.estimate(found, key, confidence)

    def estimate_to(
        self,
        key: Any,
        u: Any,
        point: Any,
        tolerance: float,
        law: Choice = "sampled",
        confidence: float = 0.95,
        most: int = 4096,
        **parameters: Any,
    ) -> Estimate:
        """An estimate with as many lanes as its error bar needs to be at most `tolerance`; otherwise as `estimate`.

        Every round draws new lanes, at least twice as many as the round before. Decides by values, so not inside a
        trace of JAX (E229). E230 when `most` lanes leave a larger error.

        >>> import pushforward as pf
        >>> waves = pf.parse("def f[n](x: [n]f64): f64 = sum(for i < n => sin(x[i]))")["f"]
        >>> point = [0.01 * i for i in range(300)]
        >>> found = pf.operator("laplacian(u)", variables="x[n]").estimate_to(0, waves, point, tolerance=30.0)
        >>> found.error <= 30.0, len(found.samples)
        (True, 64)
        """
        from . import _estimate

        found, key = _estimate.settled(self._request(u, point, min(16, most), law, parameters), key)
        return _estimate.estimate_to(found, key, tolerance, confidence, most)

    def pilot(self, key: Any, u: Any, point: Any, probes: int = 16, lanes: int = 8, **parameters: Any) -> Pilot:
        """Which law has the least variance for its operations with `probes` lanes, from a pilot of `lanes` of each.

        Returns the `law`, and by law the `variances` and `flops`; printed, a line per law. Not inside a trace (E229).

        >>> import pushforward as pf
        >>> product = pf.parse("def f[n](x: [n]f64): f64 = x[0] * x[1]")["f"]
        >>> pf.operator("laplacian(u)", variables="x[n]").pilot(0, product, [1.0] * 20).law
        'sampled'
        """
        from . import _estimate

        return _estimate.pilot(self._request(u, point, probes, "auto", parameters), key, lanes)

    def squared(
        self, key: Any, u: Any, point: Any, probes: int = 16, law: Choice = "sampled", **parameters: Any
    ) -> Any:
        """An unbiased estimate of the square of ``op(u)(*point)`` from one batch of lanes; arguments as `estimate`.

        The square of a mean is too large by the variance of the mean, which is taken off; so the value may be negative.
        The same holds for its derivatives, by the parameters of a network for instance.

        >>> import pushforward as pf
        >>> square = pf.parse("def f[n](x: [n]f64): f64 = sum(for i < n => x[i]^4)")["f"]
        >>> pf.operator("laplacian(u)", variables="x[n]").squared(0, square, [1.0] * 50, probes=8)
        360000.0
        """
        from . import _estimate

        found, key = _estimate.settled(self._request(u, point, probes, law, parameters), key)
        return _estimate.squared(found, key)

    def _request(self, u: Any, point: Any, probes: int, law: Choice, parameters: Mapping[str, Any]) -> Request:
        from ._operator import Operator
        from ._request import request

        assert isinstance(self, Operator)
        return request(self, u, point, probes, law, parameters)
