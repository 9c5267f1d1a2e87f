"""Random well-typed programs: a source of choices enters, the text of a program and arguments for it leave.

The texts go through parser, checker, elaborator and specialiser like texts of people. `smooth` programs have
derivatives of every order everywhere; `guarded` ones add kinks, which random arguments do not sit on.
"""

from .program import Generated, seeded_program, write_program

__all__ = ["Generated", "seeded_program", "write_program"]
