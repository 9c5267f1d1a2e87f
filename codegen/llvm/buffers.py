"""Memory for intermediate arrays: lengths in bytes enter, pointers leave.

Short arrays stand on the stack, where LLVM can turn them into registers. Longer ones share a few regions of one block
of scratch memory, which the caller provides; every region is a parameter of its own, so that LLVM knows that they do
not overlap. A region is free again when the round ends in which it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llvmlite import ir

REGIONS = 96
SHORT = 4096  # bytes of one array on the stack
STACK = 1 << 18  # bytes of all arrays on the stack
ALIGN = 64


@dataclass
class Buffers:
    """The regions of a function; `pointers` are its parameters for them."""

    pointers: tuple[ir.Value, ...]
    sizes: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    taken: list[list[int]] = field(default_factory=lambda: [[]])
    stack: int = 0

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
        return self.pointers[region]

    def open(self) -> None:
        """A round begins."""
        self.taken.append([])

    def close(self) -> None:
        """The round ends, and with it what it took."""
        self.free += self.taken.pop()

    @property
    def total(self) -> int:
        """Bytes of scratch memory."""
        return sum(self.sizes)

    def offsets(self) -> list[int]:
        """Where each region begins in the scratch memory."""
        starts, place = [], 0
        for size in self.sizes:
            starts.append(place)
            place += size
        return starts
