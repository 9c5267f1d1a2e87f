"""Forward and backward halves of `Each`, `Fold`, `Branch` and `Call` in reverse mode, one file per construct.

Each ``forward_…`` emits the step that also saves residuals and registers a closure that, given the cotangents of the
results, emits the transposed step. A read inside nested loops leaves every body as an `At` and so ends as one scatter
outside all of them (Schenck et al. 2022, SC'22, section V, in unary form).
"""

from .branch import forward_branch
from .call import forward_call
from .each import forward_each
from .fold import forward_fold, masked

__all__ = ["forward_branch", "forward_call", "forward_each", "forward_fold", "masked"]
