"""The process that trains one network: a job enters as JSON, its error, skill and seconds per step leave as one line.

Run as `python -m benchmarks.pinn_worker JOB`; the job names a problem of `pde.py` and settings of `pf.pinn`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import pushforward as pf

from .pde import problem


def train(job: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one training, all after the last step."""
    seed = job["seed"]
    posed = problem(job["equation"], job["body"], job["n"], job["instance"], job["scaled"])
    found = pf.pinn(posed, probes=job["probes"], steps=job["steps"], seed=seed, every=job["steps"], progress=False)
    return {"error": found.error, "trivial": found.trivial, "skill": found.skill, "seconds": found.seconds}


if __name__ == "__main__":
    print(json.dumps(train(json.loads(sys.argv[1]))))
