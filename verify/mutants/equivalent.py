"""Mutants that mean the same as the sound program, each with the reason; the runner checks that each is still needed."""

from __future__ import annotations

# Names of mutants are whole lines of code.
# ruff: noqa: E501

EQUIVALENT: dict[str, str] = {
    "pow: off by one: d/dx0 = (x1 * pow((if ((x0 == 0) and (x1 == 0)) then 2 else x0), (x1 - 1)))": (
        "the base of a power whose exponent is -1 and whose factor is 0: any positive base gives 0"
    ),
    "integer_pow: drop a branch: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 2) then (2 * x0) else (exponent * integer_pow(x0, (exponent - 1)))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "integer_pow: off by one: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 0) then 1 else (if (exponent == 2) then (2 * x0) else (exponent * integer_pow(x0, (exponent - 1))))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "integer_pow: drop a branch: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 1) then 1 else (exponent * integer_pow(x0, (exponent - 1)))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "integer_pow: off by one: d/dx0 = (if (exponent == 0) then 0 else (if (exponent == 1) then 1 else (if (exponent == 1) then (2 * x0) else (exponent * integer_pow(x0, (exponent - 1))))))": (
        "only spells a case of the general rule: n * x ^ (n - 1) for that exponent is the same number"
    ),
    "asinh: wrong tie: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) >= 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1e9) then 1 else x0) ^ 2) + 1))))": (
        "the inner guard differs at 1e9 alone, where the outer one does not take the arm"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 2))) else (1 / sqrt((((if (abs(x0) > 1e9) then 1 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 0))) else (1 / sqrt((((if (abs(x0) > 1e9) then 1 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "asinh: drop a branch: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt(((x0 ^ 2) + 1))))": (
        "beyond 1e9 the square may become infinite, and then the arm not taken is 1 / infinity: 0, with cotangent 0"
    ),
    "asinh: change a constant: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1500000000.0) then 1 else x0) ^ 2) + 1))))": (
        "between 1e9 and 1.5e9 the arm is not taken, and its square does not overflow there"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1e9) then 2 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "asinh: off by one: stable d/dx0 = (if (abs(x0) > 1e9) then (1 / abs((if (abs(x0) > 1e9) then x0 else 1))) else (1 / sqrt((((if (abs(x0) > 1e9) then 0 else x0) ^ 2) + 1))))": (
        "the guarded operand of the arm that is not taken is read by nobody, and its cotangent is dropped by `where`"
    ),
    "ad.rules.carries_tangent: drop a term: if not type_.is_float:": (
        "asked only of active operands, and rows without a derivative have no active results"
    ),
    "ad.sweep.Sweep._forward_step: drop a term: return self.run_forward(arms[int(b.scalar(operands[0]))], operands[1:])": (
        "the case before has found that the selector is a literal, and int(False) is 0"
    ),
    "ad.forward._push_fold: negate: demanded = (*on_carry, *(True for _ in op.combine))": (
        "asks for tangents of results that have none: they are zeros, and nobody reads them"
    ),
    "lang.primitives.reductions._exclusive_cumprod: swap branch: if not (isinstance(length, int) and length > 0):": (
        "both ways of writing the prefix give the same products; the first spares one element"
    ),
    "lang.primitives.reductions._exclusive_cumprod: off by one: if isinstance(length, int) and length > 1:": (
        "both ways of writing the prefix give the same products; the first spares one element"
    ),
    "ad.cotangents._concatenate: off by one: count = len(group[1].indices)": (
        "all contributions of a group index the same number of axes, and a group has at least two"
    ),
}
