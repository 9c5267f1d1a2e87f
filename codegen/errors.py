"""Error index of the back ends and of what they write: codes E140 to E149, E181 and E189, what they mean and a program
that gives each."""

from __future__ import annotations

from ..lang.errors_index import ErrorRow

ROWS: tuple[ErrorRow, ...] = (
    ErrorRow(
        "E140",
        "a size is not known when compiling",
        "user",
        "Compiled code is made for arrays of known lengths. Sizes follow from the arguments; a size that no argument "
        "mentions has to be given by name.",
        "def zeros[n](s: f64): [n]f64 = for i < n => s",
    ),
    ErrorRow(
        "E141",
        "function values and variants cannot be compiled",
        "limit",
        "Compiled programs compute with arrays of numbers. A function value or a variant that is still there after "
        "specialisation, for example one chosen by data, runs in the reference evaluator only.",
        "def pick(c: bool): f64 -> f64 = if c then fn (x: f64) => x else fn (x: f64) => x * x",
    ),
    ErrorRow(
        "E142",
        "an f64 program inside a 32-bit trace",
        "user",
        "JAX runs in 32 bits unless told otherwise, and types here are exact: f64 is never rounded silently. Convert "
        'the program with `.astype("f32")`, or enable x64 around the trace.',
        "jax.jit(program.to_jax())(1.0)  # outside `jax.enable_x64(True)`",
    ),
    ErrorRow(
        "E143",
        "an argument does not fit the compiled program",
        "user",
        "A compiled program takes as many arrays as it has input slots, each of exactly its shape.",
        "compile_xla(program)([np.zeros(3)])  # for an input of type [4]f64",
    ),
    ErrorRow(
        "E145",
        "not in the llvm back end",
        "limit",
        "Native code has most primitives, for f64, f32, whole numbers and truth values. A program with another one, or "
        "with floats of two bytes, runs whole on another back end; nothing falls back silently.",
        'pf.parse("def q(a: [3, 3]f64): [3]f64 = eigh(a).values")["q"].compile("llvm")',
    ),
    ErrorRow(
        "E146",
        "too many intermediate arrays for native code",
        "limit",
        "Native code keeps its longer intermediate arrays in a fixed number of regions. A program that holds more of "
        "them at once runs on another back end; keeping them together in one array, or computing them in a loop, "
        "helps too.",
        "compile_llvm(program)  # for a program that keeps hundreds of long arrays alive",
    ),
    ErrorRow(
        "E147",
        "the package behind a back end is missing",
        "user",
        "The xla back end compiles with jax, the llvm back end with llvmlite.",
        'program.compile("llvm")  # where llvmlite is not installed',
    ),
    ErrorRow(
        "E148",
        "a library for C cannot call SciPy",
        "limit",
        "Native code calls SciPy for a few special functions, such as `digamma` and `betainc`. Where C calls a library "
        "there is no SciPy, so `pf build` refuses them. Often only a derivative needs one: leave it out, or the inputs "
        "that it is taken by.",
        'pf.build(pf.parse("def f(x: f64): f64 = digamma(x)")["f"], "folder")',
    ),
    ErrorRow(
        "E149",
        "a folder that native code cannot be kept in safely",
        "user",
        "Native code is kept on disk and run again by later processes, so the folder must belong to you, and nobody "
        "else may write to it. This one is not used: programs are compiled anew in every process.",
        "PUSHFORWARD_CACHE=/tmp pf run FILE ENTRY --backend llvm",
    ),
    ErrorRow(
        "E181",
        "this is no name for a library of C",
        "user",
        "The functions and macros of a library begin with its name, so it is a letter, then letters, digits and "
        "underscores, all of ASCII.",
        "pf build model.pf loss --name 2nd-model",
    ),
    ErrorRow(
        "E189",
        "a library cannot be linked",
        "user",
        "A shared library is linked by the C compiler: the one that the variable CC names, else cc, gcc or clang. "
        "There is none, or it failed; the message has its first words. The object and the header need no compiler.",
        "pf build model.pf loss  # where no C compiler is installed",
    ),
    ErrorRow(
        "E144",
        "the program is too long for XLA",
        "limit",
        "XLA compiles a straight line of scalar steps in time that grows with the square of its length. Loops stay "
        'loops and cost nothing here; unrolled repetition should be a loop, or be compiled by the "llvm" back end.',
        "def f(x: f64): f64 = sin(sin(sin(x)))  -- thousands of times over",
    ),
)
