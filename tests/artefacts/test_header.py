"""Headers: C99 and C++ without a warning, whatever the names in the program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import pushforward as pf
from pushforward.codegen.artefacts.library import parameters
from pushforward.lang.diagnostics import DiagnosticError

from .programs import needs_compiler

# Keywords of C and C++ as names, records, every type of number, a size that is an input, results with structure.
NAMES = """
def double[n, linux](
  new: [n]f64,
  class: {x: f64, on: bool, i: [3]i64},
  class_x: f64,
  value: [linux, n]f32,
  d: size
): ({x: f64, on: bool}, [n, d]f64, i64) =
  ({x = sum(new) * class.x * class_x, on = class.on}, for i < n, j < d => new[i] * f64(value[0, i]), class.i[2])
"""
HEADER = """
int double_value(
    int64_t n,
    int64_t linux_,
    int64_t d,
    const double *new_ /* [n] = [4] */,
    double class_x,
    bool class_on,
    const int64_t *class_i /* [3] */,
    double class_x_2,
    const float *value /* [linux, n] = [2, 4] */,
    double *value_0_x,
    bool *value_0_on,
    double *value_1 /* [n, d] = [4, 5] */,
    int64_t *value_2);
"""
LANGUAGES = {
    "c99": ("cc", "-std=c99", "-xc"),
    "c++98": ("c++", "-std=c++98", "-xc++"),
    "c++17": ("c++", "-std=c++17", "-xc++"),
}


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("header")
    program = pf.parse(NAMES)["double"]
    (path,) = pf.build(program, folder, sizes={"n": 4, "linux": 2, "d": 5}, emit=["h"])
    return path


def test_parameters_have_the_names_and_types_of_the_definition(header: Path) -> None:
    text = header.read_text()
    assert HEADER.strip() in text
    assert "#define DOUBLE_SIZE_d INT64_C(5)" in text
    for name in ("jac_0_x_new", "jac_1_class_x", "jac_1_value"):
        assert f" *{name} " in text or f" *{name}," in text, name


@needs_compiler
@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_header_compiles_without_a_warning(header: Path, language: tuple[str, ...]) -> None:
    compiler, *options = language
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    source = f'#include "{header.name}"\n#include "{header.name}"\nint main(void) {{ return DOUBLE_OK; }}\n'
    words = [compiler, *options, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-long-long", "-fsyntax-only", "-"]
    done = subprocess.run(words, input=source, text=True, capture_output=True, cwd=header.parent, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_of_parameters_are_distinct() -> None:
    assert parameters(["a.b", "a_b", "a_b_2", "2", "_x", "großmutter"], ["x2"]) == (
        *("a_b", "a_b_2", "a_b_2_2", "x2_2", "x_x", "gro_mutter"),
    )


@pytest.mark.parametrize("name", ["2nd", "_f", "a-b", "größe", "a b", "a*/"])
def test_a_library_has_a_name_of_c(name: str, tmp_path: Path) -> None:
    program = pf.parse("def f(x: f64): f64 = x")["f"]
    with pytest.raises(DiagnosticError, match="E181"):
        pf.build(program, tmp_path, name=name, emit=["h"])
    assert not list(tmp_path.iterdir())
