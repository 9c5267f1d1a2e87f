"""Truth: a program enters; properties, laws and bounds of it leave, each with a grade.

`pushforward.verify.check` re-checks certificates. Imports every package below it, and none above.
"""

if __name__ != "pushforward.verify":
    raise ImportError(f"import pushforward.verify, not {__name__}: two copies would share no classes")
