"""The report about memory says what the code that is compiled keeps: each array, its line, what is shared, the peak."""

from __future__ import annotations

import re

import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.codegen.llvm import parts
from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.lang.diagnostics import DiagnosticError

LOOP = """
def norm(m: [50, 50]f64, x: [50]f64): f64 =
  let y = loop v = x for i < 1000 do m @ tanh(v)
  in sum(y * y)
"""

REUSED = """
def twice[n](x: [n]f64): f64 =
  let a = loop s = 0.0 for i < 20 do s + sum(cumsum(x * s))
  in loop s = a for i < 20 do s + sum(cumsum(cumsum(x * s)))
"""

VALUE = """\
norm
inputs and results, which the caller holds
           20000 bytes  m: [50, 50]f64
             400 bytes  x: [50]f64
               8 bytes  result: f64
scratch memory: 0 bytes
stack: 1200 bytes
             400 bytes  [50]f64, the state of a loop -- <text>:3: let y = loop v = x for i < 1000 do m @ tanh(v)
             400 bytes  [50]f64, the next state of a loop -- <text>:3: let y = loop v = x for i < 1000 do m @ tanh(v)
             400 bytes  [50]f64, result of `tanh` -- <text>:3: let y = loop v = x for i < 1000 do m @ tanh(v)
peak: 21608 bytes, 20408 of them inputs and results
"""


def test_the_text_of_a_definition_and_of_its_gradient() -> None:
    text = pf.parse(LOOP)["norm"].show("memory")
    assert text.startswith(VALUE + "\nnorm, value and gradient by m, x\n")
    assert "8 bytes  result.0: f64\n           20000 bytes  result.1.0: [50, 50]f64\n" in text
    line = "2 x 400000 bytes  region 0, region 1: [1000, 50]f64, checkpoints of 1000 rounds of a loop, for the way back"
    assert line in text


def test_checkpoints_of_a_loop_in_blocks() -> None:
    text = pf.value_and_grad(pf.parse(LOOP)["norm"], memory=20000).show("memory")
    kept = re.findall(r"(?:(\d) x )?(\d+) bytes .*: (\[\d+, 50\])f64, checkpoints of (\d+) rounds", text)
    # 32 blocks of 31 rounds, of which one at a time is run again with all it saves; 8 rounds are left over.
    assert kept[:2] == [("", "12800", "[32, 50]", "32"), ("2", "12400", "[31, 50]", "31")]
    assert "[8, 50]f64, checkpoints of 8 rounds of a loop, for the way back" in text


def test_regions_that_are_used_again_are_said_to_be() -> None:
    text = pf.parse(REUSED)["twice"].show("memory", n=1000).partition("\n\n")[0]
    assert re.findall(r"region \d(?: again)?", text) == ["region 0", "region 0 again", "region 1"]
    found = re.search(r"scratch memory: (\d+) bytes in (\d) regions, at most (\d+) in use at once; .* (\d+)\n", text)
    assert found is not None
    total, regions, most, arrays = map(int, found.groups())
    assert (total, regions, most, arrays) == (16000, 2, 16000, 24000)


@pytest.mark.parametrize("memory", [None, 20000])
def test_the_plan_is_that_of_the_code(memory: int | None) -> None:
    program = pf.value_and_grad(pf.parse(LOOP)["norm"], memory=memory)
    found = re.search(r"scratch memory: (\d+) bytes", program.show("memory"))
    assert found is not None and int(found[1]) == compile_llvm(program.first()).scratch


def test_parts_have_memory_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LONG", 10)
    monkeypatch.setattr(parts, "PART", 5)
    parts.in_parts.cache_clear()
    lines = "".join(f"  let x{k + 1} = cumsum(cumsum(x{k}))\n" for k in range(8))
    text = pf.parse(f"def f(x0: [1000]f64): [1000]f64 =\n{lines}  in x8\n")["f"].show("memory")
    parts.in_parts.cache_clear()
    assert "scratch memory of the part called" in text and "results of the part called" in text
    assert "part 1, scratch memory: " in text and "part 2, stack: 0 bytes" in text  # parts that do the same are one


def test_a_traced_function_names_what_it_closes_over() -> None:
    held = jnp.arange(10000.0)
    text = pf.trace(lambda x: jnp.sum(held * x), np.ones(10000, np.float32)).show("memory")
    assert "40000 bytes  captured 0: [10000]f32\n           40000 bytes  x: [10000]f32" in text


def test_sizes_must_be_known() -> None:
    with pytest.raises(DiagnosticError, match="E140"):
        pf.parse(REUSED)["twice"].show("memory")
