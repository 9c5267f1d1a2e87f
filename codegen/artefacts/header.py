"""The header of a library: its functions enter, C99 that is C++ as well leaves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from ..llvm.memory import lengths
from .library import Array, Function, Library
from .wrapper import CODES, Memory

_C = {"f64": "double", "f32": "float", "bool": "bool", "i64": "int64_t"}
_WIDTH = 100


def header(library: Library, memory: Mapping[str, Memory], mark: str, target: str) -> str:
    """The text of the header; `mark` is its first line, `target` says what the library is compiled for."""
    guard = f"{library.name.upper()}_H"
    used = {array.type.dtype for function in library.functions for array in (*function.inputs, *function.outputs)}
    lines = [
        f"/* {mark}",
        " *",
        *_comment(f"{library.definition}"),
        " *",
        *_comment(f"Compiled for {target}. Arrays are dense and row-major."),
        *_comment(
            "A result may not overlap another array. Functions keep no state and may run in several threads at once. "
            "Infinities and NaN are results like others; a float that is read out of range is NaN."
        ),
        " */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *(["#include <stdbool.h>"] if "bool" in used else []),
        "#include <stdint.h>",
        "",
        *_sizes(library),
        "/* What every function returns. */",
        "enum {",
        *(f"  {library.name.upper()}_{name} = {number}, /* {text} */" for name, number, text in CODES[:-1]),
        *(f"  {library.name.upper()}_{name} = {number}  /* {text} */" for name, number, text in CODES[-1:]),
        "};",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *(line for function in library.functions for line in _function(library, function, memory[function.name])),
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        f"#endif /* {guard} */",
        "",
    ]
    return "\n".join(lines)


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text.replace("*/", "* /"), _WIDTH - 3, break_long_words=False):
        yield f" * {line}"


def _sizes(library: Library) -> Iterator[str]:
    if library.sizes:
        yield "/* The one set of sizes that this library is made for; every function takes them and checks them. */"
        for name, size in library.sizes:
            yield f"#define {library.name.upper()}_SIZE_{name} INT64_C({size})"
        yield ""


def _function(library: Library, function: Function, memory: Memory) -> Iterator[str]:
    takes = f"Takes {memory.heap} bytes from malloc while it runs" if memory.heap else "Takes no memory from malloc"
    first, *rest = [*function.meaning, f"{takes}, and {memory.stack} bytes of stack for arrays."]
    yield f"/* {first}"
    for text in rest:
        yield from _comment(text)
    yield " */"
    parameters = [f"int64_t {name}" for name, _ in library.sizes]
    parameters += [_input(array) for array in function.inputs]
    parameters += [f"{_type(array)} *{array.name}{_shape(array)}" for array in function.outputs]
    yield f"int {function.name}("
    yield ",\n".join(f"    {parameter}" for parameter in parameters) + ");"
    yield ""


def _input(array: Array) -> str:
    if not array.type.shape:
        return f"{_type(array)} {array.name}"
    return f"const {_type(array)} *{array.name}{_shape(array)}"


def _type(array: Array) -> str:
    return _C.get(array.type.dtype, f"{array.type.dtype}_t")


def _shape(array: Array) -> str:
    if not array.type.shape:
        return ""
    known = f"[{', '.join(map(str, lengths(array.type)))}]"
    return f" /* {known} */" if array.shape in ("", known) else f" /* {array.shape} = {known} */"
