"""Certificates checked again: JSON data enters, a `Verdict` leaves. The checkers share no code with what they check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .lang.diagnostics import fail
from .verify.check.plans import check_plan
from .verify.check.verdict import Verdict

CHECKERS: Mapping[str, Callable[[Mapping[str, Any], Any], Verdict]] = {"operator plan": check_plan}
"""The checker of each kind of certificate: takes it, and what it has to speak of."""


def recheck(certificate: Mapping[str, Any], subject: Any = None) -> Verdict:
    """Check a certificate, and that it speaks of `subject` (an operator) when one is given.

    The verdict is truthy when the certificate is accepted, and names every reason against it otherwise. Raises E222
    for data that is no certificate.

    >>> import pushforward as pf
    >>> heat = pf.operator("u_t - u_xx", variables="x t")
    >>> print(pf.recheck(heat.plan().certificate(), heat))
    accepted: the plan of `op` reads its 2 atoms exactly
    """
    kind = certificate.get("kind") if isinstance(certificate, Mapping) else None
    checker = CHECKERS.get(str(kind))
    if checker is None:
        known = ", ".join(CHECKERS)
        hint = "a certificate is what `plan.certificate()` gives, or the file that `--certificate` writes"
        raise fail("E222", "this is no certificate", expected=f"kind: {known}", actual=str(kind), hint=hint)
    if subject is None:
        return checker(certificate, None)
    content = getattr(subject, "record", None)
    if not isinstance(content, Mapping):
        hint = "give the operator that it was made for"
        raise fail("E222", "this certificate speaks of an operator", actual=type(subject).__name__, hint=hint)
    return checker(certificate, content)
