"""Memory for intermediate arrays: lengths in bytes enter, pointers leave.

Short arrays stand on the stack, where LLVM can turn them into registers. Longer ones share a few regions of one block
of scratch memory, which the caller provides; every region is a parameter of its own, so that LLVM knows that they do
not overlap. A region is free again when the round ends in which it was asked for. What stands where is noted, for
people.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llvmlite import ir

from ...lang.ir import ArrayType, Program

REGIONS = 96
SHORT = 4096  # bytes of one array on the stack
STACK = 1 << 18  # bytes of all arrays on the stack
ALIGN = 64


@dataclass(frozen=True)
class Held:
    """An array in memory: in a region of the scratch memory, or on the stack (None).

    It has one place per lane where `lanes` is not 0, and stands there for the step of `program` whose first result is
    `slot`; `role` says what for, and `number` for which of its results.
    """

    region: int | None
    size: int
    type: ArrayType
    lanes: int
    role: str
    number: int
    program: Program
    slot: int


@dataclass
class Buffers:
    """The regions of a function; `pointers` are its parameters for them. `step` is the one being written, a program and
    the slot of its first result; `parts` are the buffers of the functions that this one calls."""

    pointers: tuple[ir.Value, ...]
    sizes: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    taken: list[list[int]] = field(default_factory=lambda: [[]])
    stack: int = 0
    live: int = 0
    most: int = 0
    shared: int = 0  # bytes for numbers that parts hand on, which are among those of the scratch memory or the stack
    held: list[Held] = field(default_factory=list)
    parts: list[Buffers] = field(default_factory=list)
    step: tuple[Program, int] | None = None

    def on_stack(self, size: int) -> bool:
        """Whether an array of so many bytes gets a place on the stack, which is then counted."""
        if size > SHORT or self.stack + size > STACK:
            return False
        self.stack += size
        return True

    def take(self, size: int) -> ir.Value | None:
        """A region of at least `size` bytes, or None when all are in use."""
        size = -(-size // ALIGN) * ALIGN
        fitting = [k for k in self.free if size <= self.sizes[k] <= 2 * size]
        if fitting:
            region = min(fitting, key=lambda k: self.sizes[k])
            self.free.remove(region)
        elif len(self.sizes) < len(self.pointers):
            region = len(self.sizes)
            self.sizes.append(size)
        elif self.free:
            region = max(self.free, key=lambda k: self.sizes[k])
            self.free.remove(region)
            self.sizes[region] = max(self.sizes[region], size)
        else:
            return None
        self.taken[-1].append(region)
        self.live += self.sizes[region]
        self.most = max(self.most, self.live)
        return self.pointers[region]

    def open(self) -> None:
        """A round begins."""
        self.taken.append([])

    def close(self) -> None:
        """The round ends, and with it what it took."""
        ended = self.taken.pop()
        self.free += ended
        self.live -= sum(self.sizes[region] for region in ended)

    def note(self, size: int, type_: ArrayType, lanes: int, role: str, number: int, *, stack: bool) -> None:
        """Say what the memory is for that was given out last, on the stack or of a region."""
        if self.step is not None:
            region = None if stack else self.taken[-1][-1]
            self.held.append(Held(region, size, type_, lanes, role, number, *self.step))

    @property
    def total(self) -> int:
        """Bytes of scratch memory."""
        return sum(self.sizes)

    @property
    def deepest(self) -> int:
        """Bytes of arrays on the stack, with those of the function called that takes most of it."""
        return self.stack + max((part.deepest for part in self.parts), default=0)

    def offsets(self) -> list[int]:
        """Where each region begins in the scratch memory."""
        starts, place = [], 0
        for size in self.sizes:
            starts.append(place)
            place += size
        return starts
