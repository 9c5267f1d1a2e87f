"""What a library is, before any code: functions with their arrays enter from above, C names and their text leave.

Everything is described by frozen values, so that the header, the instructions and StableHLO tell the same story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ...lang.diagnostics import fail
from ...lang.ir import ArrayType, Program
from ..llvm.memory import lengths

# Words that no parameter can have: those of C and C++, and what common headers and compilers define as macros.
_TAKEN = frozenset(
    """alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char char16_t char32_t char8_t
    class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype
    default delete do double dynamic_cast else enum errno explicit export extern false float for friend goto if
    inline int linux long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
    register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct
    switch template this thread_local throw true try typedef typeid typename typeof union unix unsigned using virtual
    void volatile wchar_t while xor xor_eq EOF FALSE I NULL TRUE""".split()
)


@dataclass(frozen=True, slots=True)
class Array:
    """An input or a result: its name in C, its type at the known sizes, its shape as the definition writes it."""

    name: str
    type: ArrayType
    shape: str = ""

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        total = 1
        for length in lengths(self.type):
            total *= length
        return total


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a library: a first-order program with known sizes, and what its inputs and results are called.

    With `counts` the program has one more result, the number of indices that were out of range.
    """

    name: str
    program: Program
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    counts: bool
    meaning: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """Functions that share their sizes; `definition` is the line that they come from."""

    name: str
    definition: str
    sizes: tuple[tuple[str, int], ...]
    functions: tuple[Function, ...]


def require_name(name: str) -> None:
    """E181 when a library cannot have this name: its functions and its macros begin with it.

    >>> require_name("rosenbrock")
    """
    if not (name.isascii() and name.isidentifier() and not name.startswith("_")):
        hint = "give it another one with --name (in Python name=): a letter, then letters, digits and underscores"
        raise fail("E181", f"`{name}` is no name for a library of C", hint=hint)


def parameters(names: Sequence[str], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """Distinct names for parameters in C and C++, as near to the given ones as possible.

    >>> parameters(["x", "new", "state.mu", "x"], taken=["n"])
    ('x', 'new_', 'state_mu', 'x_2')
    """
    found: list[str] = []
    for name in names:
        plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
        if plain in _TAKEN:
            plain += "_"
        elif not plain[:1].isalpha():
            plain = f"x{plain}"
        tries = (plain if number == 1 else f"{plain}_{number}" for number in count(1))
        found.append(next(one for one in tries if one not in found and one not in taken))
    return tuple(found)
