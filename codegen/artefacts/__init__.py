"""Artefacts for C and for other tools: first-order programs with known sizes enter, the contents of files leave.

A shared library with its header, the object it is linked from, the LLVM module that it was before optimisation, and
StableHLO. Nothing here runs a program.
"""
