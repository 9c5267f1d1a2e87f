"""Native code inside JAX: the same results as through XLA under every transformation, and errors instead of crashes."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from llvmlite import binding

import pushforward as pf
from pushforward.codegen import native_call
from pushforward.codegen.llvm import ffi
from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.lang.builder import body
from pushforward.lang.ir import ArrayType, Program

MODULE = pf.parse("""
def mixture[n, k](x: [n, 2]f64, m: [k, 2]f64): f64 =
  sum(for i < n => logsumexp(for c < k => -0.5 * sum(for j < 2 => (x[i, j] - m[c, j])^2)))

def steps[n](x: [n]f64, a: f64): [n]f64 =
  for i < n => loop y = x[i] for t < 4 do sin(y) * a + 0.5

def mixed[n](x: [n]f32, k: i64, on: bool): ([n]f32, i64, [n]bool, [0]f64) =
  (for i < n => if on then x[i] * f32(k) else -x[i], k * 3 - 1, for i < n => x[i] > 0.5, for i < 0 => 1.0)
""")


def dense(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.tanh(x @ w) ** 2)


def walk(w: Any, x: Any) -> Any:
    def step(carry: Any, row: Any) -> tuple[Any, Any]:
        carry = jnp.sin(carry @ w) + row
        return carry, jnp.sum(carry)

    last, sums = jax.lax.scan(step, x[0], x)
    return jnp.sum(last) + jnp.sum(sums**2)


def chosen(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.where(x > 0, jnp.exp(-x), x**2)) + jnp.max(w) + jax.scipy.special.erfinv(0.2 * w[0, 0])


FUNCTIONS: dict[str, Callable[..., Any]] = {"dense": dense, "walk": walk, "chosen": chosen}
COMPOSITIONS: dict[str, Callable[[Callable[..., Any], Any, Any], Any]] = {
    "value": lambda f, w, x: f(w, x),
    "jit": lambda f, w, x: jax.jit(f)(w, x),
    "grad": lambda f, w, x: jax.grad(f, (0, 1))(w, x),
    "jit of grad": lambda f, w, x: jax.jit(jax.value_and_grad(f))(w, x),
    "jvp": lambda f, w, x: jax.jvp(f, (w, x), (x[:3] * 0 + w, x)),
    "vmap": lambda f, w, x: jax.vmap(f, (None, 0))(w, jnp.stack([x, 2 * x])),
    "vmap of grad": lambda f, w, x: jax.jit(jax.vmap(jax.grad(f), (0, None)))(jnp.stack([w, -w]), x),
    "grad of vmap": lambda f, w, x: jax.grad(lambda v: jnp.sum(jax.vmap(f, (0, None))(jnp.stack([v, -v]), x)))(w),
    "scan": lambda f, w, x: jax.lax.scan(lambda c, _: (c - 0.01 * jax.grad(f)(c, x), f(c, x)), w, None, length=3),
    "hessian": lambda f, w, x: jax.jacfwd(jax.grad(f))(w, x),
    "ours": lambda f, w, x: pf.grad(f)(w, x),
    "ours in theirs": lambda f, w, x: jax.jit(jax.grad(lambda v: jnp.sum(pf.grad(f)(v, x) ** 2)))(w),
}


CASES = [
    *[("dense", name, True) for name in COMPOSITIONS],
    *[("dense", name, False) for name in ("value", "jit of grad", "scan")],
    *[("walk", name, True) for name in ("value", "vmap of grad", "grad of vmap", "scan")],
    *[("chosen", name, True) for name in ("jit of grad", "vmap")],
]


def same(found: Any, wanted: Any, tolerance: float) -> None:
    assert jax.tree_util.tree_structure(found) == jax.tree_util.tree_structure(wanted)
    for x, y in zip(jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(wanted), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def arguments() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.normal(size=(3, 3))), jnp.asarray(rng.normal(size=(4, 3)))


@pytest.mark.parametrize(("name", "composition", "wide"), CASES)
def test_transformations_agree_with_xla(name: str, composition: str, wide: bool) -> None:
    with jax.enable_x64(wide):
        apply, (w, x) = COMPOSITIONS[composition], arguments()
        native, other = (pf.jit(FUNCTIONS[name], backend=backend) for backend in ("llvm", "xla"))
        same(apply(native, w, x), apply(other, w, x), 1e-11 if wide else 2e-4)


def _text(f: Callable[..., Any], *args: Any) -> str:
    return jax.jit(f).lower(*args).as_text()


def test_values_and_derivatives_are_calls_of_native_code() -> None:
    w, x = arguments()
    native = pf.jit(dense, backend="llvm")
    for f in (native, jax.grad(native), pf.grad(native), pf.vmap(native, (None, 0)), jax.vmap(native, (None, 0))):
        text = _text(f, w, x)
        assert "custom_call @pushforward_" in text and "stablehlo.tanh" not in text
    assert "pushforward_" not in _text(pf.jit(dense), w, x)


def test_programs_with_all_kinds_of_arrays() -> None:
    program = MODULE["mixed"]
    for n in (0, 1, 5):
        x = np.linspace(0.0, 1.0, n).astype(np.float32)
        wanted = program.compile("reference")(x, 7, True)
        with jax.enable_x64(True):
            found = jax.jit(program.to_jax("llvm"))(x, 7, True)
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.dtype == np.asarray(theirs).dtype
            np.testing.assert_array_equal(ours, theirs)


def test_whole_numbers_of_64_bits_where_jax_has_32() -> None:
    f = pf.parse("def f[n](x: [n]f32, k: i64): ([n]f32, i64) = (for i < n => x[i] * f32(k), k * 3)")["f"]
    value, number = jax.jit(f.to_jax("llvm"))(jnp.arange(3, dtype=jnp.float32), jnp.int32(-5))
    assert value.tolist() == [-0.0, -5.0, -10.0] and number.dtype == jnp.int32 and int(number) == -15


def test_programs_of_a_file() -> None:
    x, m = np.random.default_rng(1).normal(size=(9, 2)), np.random.default_rng(2).normal(size=(3, 2))
    with jax.enable_x64(True):
        native, other = (pf.jit(MODULE["mixture"], backend=backend) for backend in ("llvm", "xla"))
        same(jax.jit(jax.grad(native, (0, 1)))(x, m), jax.grad(other, (0, 1))(x, m), 1e-12)
        steps = MODULE["steps"].to_jax("llvm")
        same(jax.jit(steps)(x[:, 0], 0.7), MODULE["steps"].to_jax()(x[:, 0], 0.7), 1e-13)


def test_subnormal_numbers_count_in_native_code_and_the_mode_of_the_thread_stays() -> None:
    tiny = np.array([1e-310, 3e-310])
    program = body("half", [ArrayType("f64", (2,))], lambda b, x: [b.apply("mul", x[0], _half(b))])
    with jax.enable_x64(True):
        native = native_call.native_function(program)
        both = jax.jit(lambda x: (native(x)[0], x * 0.5, native(x)[0] * 0.5))
        inside, own, after = map(np.asarray, both(tiny))
    np.testing.assert_array_equal(inside, tiny / 2)
    np.testing.assert_array_equal(inside, compile_llvm(program)([tiny])[0])
    flushes = not own.any()
    assert np.array_equal(after, np.zeros(2) if flushes else tiny / 4)


def _half(b: Any) -> int:
    return b.apply("broadcast", b.constant(0.5), shape=(2,), axes=())


def _double() -> Program:
    return body("double", [ArrayType("f64", (2, 3))], lambda b, x: [b.apply("add", x[0], x[0])])


S = jax.ShapeDtypeStruct
WRONG: dict[str, tuple[list[Any], list[Any], str]] = {
    "shape": ([S((3, 2), "float64")], [S((2, 3), "float64")], r"argument 0 of `double`: expected \[2, 3\]f64"),
    "rank": ([S((6,), "float64")], [S((2, 3), "float64")], "argument 0"),
    "scalar": ([S((), "float64")], [S((2, 3), "float64")], "argument 0"),
    "dtype": ([S((2, 3), "float32")], [S((2, 3), "float64")], "argument 0"),
    "integers": ([S((2, 3), "int64")], [S((2, 3), "float64")], "argument 0"),
    "too few": ([], [S((2, 3), "float64")], "argument list of `double`: expected 1"),
    "too many": ([S((2, 3), "float64")] * 2, [S((2, 3), "float64")], "argument list"),
    "result": ([S((2, 3), "float64")], [S((2, 2), "float64")], "result 0 of `double`"),
    "dtype of the result": ([S((2, 3), "float64")], [S((2, 3), "float32")], "result 0"),
    "results": ([S((2, 3), "float64")], [S((2, 3), "float64")] * 2, "result list"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_buffers_are_errors(wrong: str) -> None:
    given, results, message = WRONG[wrong]
    with jax.enable_x64(True):
        name = native_call.target(_double())
        with pytest.raises(Exception, match=message):
            jax.block_until_ready(jax.ffi.ffi_call(name, results)(*[jnp.ones(s.shape, s.dtype) for s in given]))
        (found,) = jax.ffi.ffi_call(name, [S((2, 3), "float64")])(jnp.ones((2, 3)))
    assert found.tolist() == [[2.0] * 3] * 2


def test_scratch_memory_that_is_not_there_is_an_error() -> None:
    program = _double()
    run = compile_llvm(program)
    text = ffi.written(program, 1 << 60, run.loaded.address("entry"), binding.get_default_triple())
    loaded = ffi.load(ffi.compiled(text).code)
    jax.ffi.register_ffi_target("greedy", jax.ffi.pycapsule(loaded.address("handler")), platform="cpu")
    with jax.enable_x64(True), pytest.raises(Exception, match="RESOURCE_EXHAUSTED.*no memory for"):
        jax.block_until_ready(jax.ffi.ffi_call("greedy", [S((2, 3), "float64")])(jnp.ones((2, 3))))


def test_what_native_code_does_not_have_is_refused() -> None:
    native = pf.jit(lambda a: jnp.sum(jnp.linalg.eigh(a).eigenvalues), backend="llvm")
    for f in (native, jax.jit(native)):
        with pytest.raises(pf.DiagnosticError, match="E145"):
            f(jnp.eye(3))


def test_code_stays_when_the_function_that_it_was_made_for_goes() -> None:
    native = pf.jit(lambda x: jnp.sum(jnp.cos(x) * 3), backend="llvm")
    x = jnp.arange(4.0)
    kept = jax.jit(jax.grad(native)).lower(x).compile()
    wanted = np.asarray(kept(x))
    del native
    compile_llvm.cache_clear()
    gc.collect()
    np.testing.assert_array_equal(kept(x), wanted)


def test_operands_that_are_spread_over_devices_run_through_xla() -> None:
    script = """
import jax, jax.numpy as jnp, pushforward as pf
from jax.sharding import Mesh, NamedSharding, PartitionSpec
x = jax.device_put(jnp.arange(8.0), NamedSharding(Mesh(jax.devices(), ("d",)), PartitionSpec("d")))
f = pf.jit(lambda x: jnp.sum(x ** 2), backend="llvm")
print("pushforward_" in jax.jit(f).lower(x).as_text(), "pushforward_" in jax.jit(f).lower(jnp.arange(8.0)).as_text())
print(float(f(x)), jax.grad(f)(x).tolist() == (2 * x).tolist())
"""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, **flags})
    assert done.stdout == "False True\n140.0 True\n", done.stderr


@pytest.mark.parametrize(
    "triple", ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "arm64-apple-darwin", "riscv64"]
)
def test_handlers_of_other_processors_are_valid(triple: str) -> None:
    text = ffi.written(_double(), 128, 0x1000, triple)
    binding.parse_assembly(text).verify()
    assert ("stmxcsr" in text) == triple.startswith("x86") and ("fpcr" in text) == triple.startswith("a")


def test_structures_stand_where_the_header_of_jaxlib_says() -> None:
    """The places of members, counted from the header: sizes of 8 bytes, enumerations of 4."""
    header = (Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h").read_text()
    members = {name: _places(header, name) for name in STRUCTURES}
    for (structure, member), place in PLACES.items():
        assert members[structure][member] == place, (structure, member)
    for name, number in ffi.DTYPES.items():
        kind = {"b": "PRED", "i": "S", "u": "U", "f": "F"}[np.dtype(name).kind]
        word = kind if kind == "PRED" else f"{kind}{8 * np.dtype(name).itemsize}"
        assert re.search(rf"XLA_FFI_DataType_{word} = {number},", header), name
    for name, number in (("INVALID_ARGUMENT", ffi.INVALID_ARGUMENT), ("RESOURCE_EXHAUSTED", ffi.RESOURCE_EXHAUSTED)):
        assert f"XLA_FFI_Error_Code_{name} = {number}," in header


PLACES = {
    ("XLA_FFI_CallFrame", "extension_start"): ffi.FRAME_EXTENSION,
    ("XLA_FFI_CallFrame", "api"): ffi.FRAME_API,
    ("XLA_FFI_CallFrame", "args"): ffi.FRAME_ARGS,
    ("XLA_FFI_CallFrame", "rets"): ffi.FRAME_RETS,
    ("XLA_FFI_CallFrame", "attrs"): ffi.FRAME_SIZE,
    ("XLA_FFI_Args", "size"): ffi.LIST_COUNT,
    ("XLA_FFI_Args", "args"): ffi.LIST_ITEMS,
    ("XLA_FFI_Rets", "size"): ffi.LIST_COUNT,
    ("XLA_FFI_Rets", "rets"): ffi.LIST_ITEMS,
    ("XLA_FFI_Buffer", "dtype"): ffi.BUFFER_DTYPE,
    ("XLA_FFI_Buffer", "data"): ffi.BUFFER_DATA,
    ("XLA_FFI_Buffer", "rank"): ffi.BUFFER_RANK,
    ("XLA_FFI_Buffer", "dims"): ffi.BUFFER_DIMS,
    ("XLA_FFI_Api", "XLA_FFI_Error_Create"): ffi.API_ERROR_CREATE,
    ("XLA_FFI_Error_Create_Args", "message"): ffi.ERROR_MESSAGE,
    ("XLA_FFI_Error_Create_Args", "errc"): ffi.ERROR_CODE,
    ("XLA_FFI_Extension_Base", "type"): ffi.EXTENSION_TYPE,
    ("XLA_FFI_Metadata_Extension", "metadata"): ffi.EXTENSION_METADATA,
    ("XLA_FFI_Metadata", "traits"): ffi.METADATA_SIZE,
}
STRUCTURES = sorted({name for name, _ in PLACES})
SIZES = {"int": 4, "XLA_FFI_DataType": 4, "XLA_FFI_Error_Code": 4, "XLA_FFI_ExecutionStage": 4}
SIZES |= {"XLA_FFI_Extension_Type": 4, "XLA_FFI_Handler_Traits": 4, "XLA_FFI_TypeId": 8, "size_t": 8, "int64_t": 8}
INNER = ("XLA_FFI_Args", "XLA_FFI_Rets", "XLA_FFI_Attrs", "XLA_FFI_Api_Version", "XLA_FFI_Extension_Base")


def _places(header: str, name: str) -> dict[str, int]:
    found, end = {}, 0
    for type_, star, member in _members(header, name):
        size = 8 if star else SIZES.get(type_) or _whole(header, type_)
        end += -end % min(size, 8)
        found[member] = end
        end += size
    return {**found, "": end + -end % 8}


def _whole(header: str, name: str) -> int:
    assert name in INNER, name
    return _places(header, name)[""]


def _members(header: str, name: str) -> list[tuple[str, str, str]]:
    match = re.search(rf"struct {name} \{{(.*?)\n\}}", header, re.DOTALL)
    assert match, name
    text = re.sub(r"//[^\n]*", "", match.group(1))
    text = re.sub(r"_XLA_FFI_API_STRUCT_FIELD\((\w+)\)", r"void* \1", text).replace("const ", "").replace("struct ", "")
    found = [re.match(r"\s*(\w+)(\**)\s+(\w+)", line) for line in text.split(";") if line.strip()]
    return [(m.group(1), m.group(2), m.group(3)) for m in found if m]
