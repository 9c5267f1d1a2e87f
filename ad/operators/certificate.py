"""Certificates of plans: an operator's record and a plan enter, JSON data leaves, which `verify.check.plans` checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .jets import Scheme, digest


def certificate(record: Mapping[str, Any], scheme: Scheme) -> dict[str, Any]:
    """The certificate that a plan reads what an operator demands; it is bound to the content of both.

    It states nothing that a checker could not work out from the two: to check it is to work that out.
    """
    return {
        "schema": 1,
        "kind": "operator plan",
        "status": "exact" if scheme.exact else "unbiased",
        "degree": scheme.order,
        "operator": dict(record),
        "operator_digest": digest(record),
        "plan": scheme.to_json(),
        "plan_digest": scheme.digest,
    }
