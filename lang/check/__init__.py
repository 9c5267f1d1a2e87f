"""The type checker: a surface tree enters, names with meanings and nodes with types leave (`lang.typed`).

Types are inferred in the manner of Hindley and Milner, with sizes (integer polynomials, `lang.sizes`) as a second kind.
"""

from .module import check_module

__all__ = ["check_module"]
