"""Faulty versions of functions of the passes, made from their own syntax trees.

A function keeps its identity and gets other code for a while, so every table, closure and import that holds it sees
the fault. Only our own sources are compiled here, never an input.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from .mutant import Undo

Node = ast.AST
Replacement = tuple[str, Node]

_TIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
# What a primitive or a mode is mistaken for.
_WORDS = {
    "add": "sub",
    "sub": "add",
    "mul": "add",
    "div": "mul",
    "sum": "stack",
    "stack": "sum",
    "scatter_add": "scatter",
    "where": "",
    "reduce_sum": "reduce_max",
    "cumsum": "cummax",
}
_UNORDERED = frozenset({"add", "mul", "eq"})


def unwrapped(function: Any) -> FunctionType:
    """The plain function under caches and memos."""
    function = inspect.unwrap(function)
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function} is no plain function")
    return function


def edits(function: Any) -> Iterator[tuple[str, str, Callable[[], Undo]]]:
    """(operator, the changed line, what installs it) for every fault of a function."""
    plain = unwrapped(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    before = ast.unparse(definition)
    seen = {before}
    nodes = [node for statement in definition.body for node in ast.walk(statement)]
    skipped = {id(inner) for node in nodes if _is_skipped(node) for inner in ast.walk(node)}
    for place, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for operator, make in _faults(node):
            changed = _with_fault(definition, place, make)
            text = ast.unparse(changed)
            if text not in seen:
                seen.add(text)
                yield operator, _difference(before, text), _installer(plain, changed)


def textual(function: Any, old: str, new: str) -> Callable[[], Undo]:
    """What replaces the one occurrence of `old` in a function's source by `new`; ValueError when there is not one."""
    plain = unwrapped(function)
    source = textwrap.dedent(inspect.getsource(plain))
    if source.count(old) != 1:
        raise ValueError(f"{plain.__qualname__} holds {source.count(old)} times: {old}")
    definition = ast.parse(source.replace(old, new)).body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    return _installer(plain, definition)


def _is_skipped(node: Node) -> bool:
    """Assertions, messages and ``strict=True`` only tell of bugs; without one nothing changes."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    return isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr | ast.AnnAssign) and not (
        isinstance(node, ast.AnnAssign) and node.value is not None
    )


def _faults(node: Node) -> Iterator[tuple[str, Callable[[Any], Node]]]:
    """Faults of one node, each as a function that changes a copy of it."""
    match node:
        case ast.IfExp():
            yield "swap branch", lambda n: ast.IfExp(n.test, n.orelse, n.body)
        case ast.If(test=test) if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield "swap branch", _negate_test
        case ast.Compare(ops=[op]) if type(op) in _TIES:
            yield ("wrong tie" if isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) else "negate"), _other_tie
        case ast.UnaryOp(op=ast.Not()):
            yield "negate", lambda n: n.operand
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            yield "off by one", lambda n: ast.Constant(0)
        case ast.BoolOp(values=values) if len(values) > 1:
            yield "drop a term", lambda n: n.values[0]
            yield "drop a term", lambda n: n.values[-1]
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield "drop a term", lambda n: n.left
            yield "negate", lambda n: ast.BinOp(n.left, ast.Sub() if isinstance(n.op, ast.Add) else ast.Add(), n.right)
        case ast.Constant(value=bool()):
            yield "negate", lambda n: ast.Constant(not n.value)
        case ast.Constant(value=int()):
            yield "off by one", lambda n: ast.Constant(n.value + 1)
        case ast.Constant(value=str(word)) if _WORDS.get(word):
            yield ("drop accumulation" if word == "scatter_add" else "wrong primitive"), _other_word
        case ast.Call():
            yield from _call_faults(node)
        case ast.Expr(value=ast.Call()):
            yield "drop accumulation", lambda n: ast.Pass()


def _negate_test(node: ast.If) -> Node:
    return ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


def _other_tie(node: ast.Compare) -> Node:
    return ast.Compare(node.left, [_TIES[type(node.ops[0])]()], node.comparators)


def _other_word(node: ast.Constant) -> Node:
    return ast.Constant(_WORDS[str(node.value)])


def _call_faults(node: ast.Call) -> Iterator[tuple[str, Callable[[Any], Node]]]:
    """Faults of an emitted primitive: ``apply(name, operands…)``."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and function.attr == "apply" and node.args):
        return
    name = node.args[0]
    word = name.value if isinstance(name, ast.Constant) else None
    operands = node.args[1:]
    if any(isinstance(operand, ast.Starred) for operand in operands):
        return
    if len(operands) >= 2:
        yield ("drop accumulation" if word in ("add", "scatter_add") else "drop a term"), lambda n: n.args[1]
        if word not in _UNORDERED:
            yield "swap operands", _swap_last
    if word == "neg":
        yield "negate", lambda n: n.args[1]


def _swap_last(node: ast.Call) -> Node:
    return ast.Call(node.func, [*node.args[:-2], node.args[-1], node.args[-2]], node.keywords)


def _with_fault(definition: ast.FunctionDef, place: int, make: Callable[[Any], Node]) -> ast.FunctionDef:
    """A copy of the function with node number `place` changed."""
    changed = copy.deepcopy(definition)
    nodes = [node for statement in changed.body for node in ast.walk(statement)]
    target = nodes[place]
    new = make(target)

    class Put(ast.NodeTransformer):
        def visit(self, node: Node) -> Any:
            return new if node is target else super().visit(node)

    return ast.fix_missing_locations(Put().visit(changed))


def _difference(before: str, after: str) -> str:
    """The first changed line."""
    old, new = before.splitlines(), after.splitlines()
    place = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    return " ".join(new[place].split())


def _installer(plain: FunctionType, definition: ast.FunctionDef) -> Callable[[], Undo]:
    def install() -> Undo:
        before = plain.__code__
        plain.__code__ = _compiled(definition, plain)
        return lambda: setattr(plain, "__code__", before)

    return install


def _compiled(definition: ast.FunctionDef, plain: FunctionType) -> CodeType:
    """The code of a changed function, with the variables it closes over in place."""
    cells = plain.__code__.co_freevars
    inner: ast.stmt = definition
    if cells:
        outer = ast.parse(f"def outer({', '.join(cells)}): pass").body[0]
        assert isinstance(outer, ast.FunctionDef)
        outer.body = [definition, *ast.parse(f"({', '.join(cells)},)").body]
        inner = outer
    module = ast.fix_missing_locations(ast.Module([inner], []))
    flags = plain.__code__.co_flags & 0x1000000  # `from __future__ import annotations`
    code = compile(module, plain.__code__.co_filename, "exec", flags=flags, dont_inherit=True)
    for _ in range(2 if cells else 1):
        code = next(c for c in code.co_consts if isinstance(c, CodeType))
    return code
