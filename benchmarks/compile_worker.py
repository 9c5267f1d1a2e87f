"""The measuring process of compile times: one program, from text to its first result with native code.

Run as `python -m benchmarks.compile_worker JOB`; the result is one JSON line on stdout with seconds. Packages are
imported, and LLVM is started on another program, before the clock starts.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from .worker import pin


def chain(steps: int) -> str:
    """A straight line of numbers: ``y, z = z, sin(y) z + c``, the gradient of which XLA compiles in minutes."""
    lines = [f"  let v{k + 2} = sin(v{k}) * v{k + 1} + 0.1" for k in range(steps)]
    return "\n".join(["def chain(v0: f64, v1: f64): f64 =", *lines, f"  in v{steps + 1}"]) + "\n"


def chain_by_hand(steps: int, y: float, z: float) -> tuple[float, float, float]:
    """The value, and its slopes by forward mode."""
    (y, y1, y2), (z, z1, z2) = (y, 1.0, 0.0), (z, 0.0, 1.0)
    for _ in range(steps):
        s, c = math.sin(y), math.cos(y)
        y, y1, y2, z, z1, z2 = z, z1, z2, s * z + 0.1, c * y1 * z + s * z1, c * y2 * z + s * z2
    return z, z1, z2


def straight(steps: int) -> tuple[float, str]:
    """Seconds from the text of a chain to value and gradient, and what is wrong with these."""
    import pushforward as pf

    start = time.perf_counter()
    program = pf.value_and_grad(pf.parse(chain(steps))["chain"], wrt=(0, 1)).compile("llvm", nonfinite="allow")
    value, slopes = program(0.3, 0.7)
    taken = time.perf_counter() - start
    wanted = chain_by_hand(steps, 0.3, 0.7)
    good = all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-300) for x, y in zip((value, *slopes), wanted, strict=True))
    return taken, "" if good else "the gradient is wrong"


def problem(name: str, root: Path, data: str) -> tuple[float, str]:
    """Seconds from the file of one of the timed problems to its first result."""
    import pushforward as pf

    from .problems import PROBLEMS

    found = PROBLEMS[name](Path(data) if data else None, 0)
    start = time.perf_counter()
    program: Any = pf.load(root / found.file)[found.entry]
    program = pf.value_and_grad(program, wrt=found.wrt) if found.wrt else program
    program.compile("llvm", nonfinite="allow")(*found.arguments)
    return time.perf_counter() - start, ""


def main(job: dict[str, Any]) -> None:
    """One measurement."""
    pin(job["core"])
    os.environ["PUSHFORWARD_CACHE"] = "off"
    import pushforward as pf

    pf.parse("def f(x: f64): f64 = sin(x)")["f"].compile("llvm")(1.0)
    os.environ["PUSHFORWARD_CACHE"] = job["cache"]
    root = Path(job["root"])
    seconds, wrong = straight(job["steps"]) if job["steps"] else problem(job["problem"], root, job["data"])
    print(json.dumps({"seconds": seconds, "wrong": wrong}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
