"""x"""
from ...lang.ir import Program
def hoist(program: Program) -> Program:
    return program
