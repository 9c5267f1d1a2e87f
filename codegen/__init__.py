"""Compilation: a program enters; XLA, LLVM and saved artefacts leave.

Imports `pushforward.lang` and `pushforward.ad`.
"""

if __name__ != "pushforward.codegen":
    raise ImportError(f"import pushforward.codegen, not {__name__}: two copies would share no classes")
