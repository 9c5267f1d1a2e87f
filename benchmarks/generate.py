"""Program texts of a chosen size, for timing the front end.

A size goes in; a `.pf` text that checks without findings comes out, the same for the same size.
"""

from __future__ import annotations

_BLOCK = """\
-- block {i}: smooth an array, walk along it, and pick a branch
def smooth_{i}[n](x: [n]f64, a: f64): [n]f64 =
  let scale = a / {divisor}
  let moved = for i < n => x[i] * scale + {shift}
  in for i < n => if moved[i] > 0.0 then sqrt(moved[i]) else moved[i]^2

def walk_{i}[n](x: [n]f64, start: f64): f64 =
  loop y = start for i < n do
    let pulled = 0.5 * (y + x[i])
    let turned = sin(pulled) * {shift}
    in tanh(pulled - turned)

def point_{i}(p: {{u: f64, v: f64}}, h: f64): {{u: f64, v: f64}} =
  let du = (0.5 - p.v) * p.u
  let dv = (p.u - {shift}) * p.v
  in {{u = p.u + h * du, v = p.v + h * dv}}

def total_{i}[n, m](x: [n]f64, w: [m, n]f64): f64 =
  let y = smooth_{i}(x, 1.5)
  let z = for j < m => sum(for i < n => w[j, i] * y[i])
  let p = point_{i}({{u = sum(z), v = 1.0}}, 0.1)
  in walk_{before}(y, p.u) + sum(for j < m => exp(-z[j]^2))

"""
BLOCK_LINES = _BLOCK.count("\n")


def definitions(lines: int) -> str:
    """A program of about `lines` lines: blocks of polymorphic array code, each calling into the one before.

    >>> definitions(1000).count(chr(10)) in range(1000 - BLOCK_LINES, 1001)
    True
    """
    count = max(1, lines // BLOCK_LINES)
    return "".join(
        _BLOCK.format(i=i, before=max(i - 1, 0), divisor=f"{2 + i % 7}.0", shift=f"{1 + i % 9}.25")
        for i in range(count)
    )


def chain(steps: int) -> str:
    """One scalar function `chain(x, c)` of exactly `steps` elementary operations, each used by the next two.

    >>> print(chain(3))
    def chain(x: f64, c: f64): f64 =
      let t2 = sin(x)
      let t3 = t2 * c
      let t4 = t3 + t2
      in t4
    <BLANKLINE>
    """
    names = ["c", "x"]
    rows = []
    for i in range(steps):
        last, previous = names[-1], names[-2]
        expression = (f"sin({last})", f"{last} * {'c' if i == 1 else previous}", f"{last} + {previous}")[i % 3]
        names.append(f"t{i + 2}")
        rows.append(f"  let {names[-1]} = {expression}\n")
    return f"def chain(x: f64, c: f64): f64 =\n{''.join(rows)}  in {names[-1]}\n"
