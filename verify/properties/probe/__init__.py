"""Probing: a program or a Python function with derivative rules enters, a report on its properties leaves.

Every property is a file of this package and can fail: it looks at the given point and at random points around it, and a
failure comes with the smallest arguments that still show it. Probing supports a claim, it proves none.
"""

if __name__ != "pushforward.verify.properties.probe":
    raise ImportError(f"import pushforward.verify.properties.probe, not {__name__}")
