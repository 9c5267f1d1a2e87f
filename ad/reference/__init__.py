"""The reverse macro written down literally, as what the production pass is compared with.

A program becomes nested terms with continuations (`macro`), partial evaluation removes them (`partial`), and what
is left is a program again (`emit`); `reverse.reference_reverse` does all three.
"""
