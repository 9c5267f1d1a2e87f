"""Hypothesis strategies: `pf.strategies.programs()` draws well-typed programs for property tests.

Installed as a `hypothesis` entry point, so that `st.from_type(pf.Program)` knows them. Importing this module imports
neither hypothesis nor the generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from ._program import Program
    from .verify.properties.generator import Generated

Suite = Literal["smooth", "guarded"]
FUEL = 12


def programs(suite: Suite = "smooth", *, fuel: int = FUEL) -> SearchStrategy[Program]:
    """Programs called `main` over floats, arrays, tuples, records, integers and sometimes variants.

    `smooth` programs have derivatives everywhere; `guarded` ones add division, roots, comparisons, extremes and the
    like. `fuel` bounds the number of constructs. A failing example shows the text.
    """
    from hypothesis import note

    from . import parse

    def program(found: Generated) -> Program:
        note(found.text)
        return parse(found.text)["main"]

    return generated(suite, fuel=fuel).map(program)


def generated(suite: Suite = "smooth", *, fuel: int = FUEL) -> SearchStrategy[Generated]:
    """The same as texts, with the functions that `core` takes and values for the inputs."""
    from hypothesis import strategies as st

    from .verify.properties.generator import write_program

    @st.composite
    def written(draw: st.DrawFn) -> Generated:
        return write_program(lambda count: draw(st.integers(0, count - 1)), suite, fuel)

    return written()


def _register() -> None:
    """Called by Hypothesis when it is imported."""
    from hypothesis import strategies as st

    from ._program import Program

    st.register_type_strategy(Program, lambda _: programs())
