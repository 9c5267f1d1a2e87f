"""Taylor mode: a program enters, a program that carries truncated Taylor coefficients leaves.

Coefficients are normalised: the k-th derivative divided by k!. One engine serves series in one variable, series over
any downward closed set of multi-indices, and series along many directions whose top coefficients are summed as early
as linearity allows ("collapsed"; Dangel, Siebert, Zeinhofer & Walther 2025, arXiv 2505.13644).

- `shape.py` which coefficients are carried, and which of them have an axis of directions
- `onehot.py` coefficients that are zero except at one place
- `emit.py` operations on coefficients, through the batching rules where there are directions
- `divide.py` a fraction of a sum, as a sum
- `graph.py` nodes: values of the program whose coefficients are computed when they are asked for
- `rules.py` one rule per kind of row; `exceptions.py` the rows that have a better one
- `compose.py` functions along many directions; `sparse.py` moves and choices of one-hot coefficients
- `structured.py` loops and branches; `calls.py` custom rules and solutions of linear systems
- `expand.py` the two doors: `expand` onto an open builder, `jet` from program to program
"""

from .expand import Series, expand, expand_all, jet
from .onehot import OneHot
from .shape import Index, JetShape, staircase, univariate

__all__ = ["Index", "JetShape", "OneHot", "Series", "expand", "expand_all", "jet", "staircase", "univariate"]
