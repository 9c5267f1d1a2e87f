"""The error rows of tracing JAX functions: E200 to E207."""

from __future__ import annotations

from ..errors_index import ErrorRow

TRACING = (
    ErrorRow(
        "E200",
        "a JAX primitive without a meaning here",
        "limit",
        "Tracing reads a function of JAX step by step. This step applies a primitive that the table of rules does not "
        "have. `pf.jit(f, on_unsupported=\"jax\")` leaves such steps, and their derivatives, to JAX and reports them.",
        "pf.trace(lambda x: jax.lax.approx_max_k(jax.numpy.fft.rfft(x).real, 1)[0], x)",
    ),
    ErrorRow(
        "E201",
        "a parameter of a JAX primitive that is not known",
        "limit",
        "A parameter can change what a primitive means, so an unknown one is refused rather than ignored. It comes "
        "with a version of JAX that is newer than this version of Pushforward.",
        "pf.trace(f, x)   -- with a JAX release that added a parameter",
    ),
    ErrorRow(
        "E202",
        "a use of a JAX primitive that is not supported",
        "limit",
        "The primitive is known, but not with these parameters or for these types. The message says which; the hint "
        "says what to write instead.",
        "pf.trace(lambda x: jax.pure_callback(numpy.sin, x, x), x)",
    ),
    ErrorRow(
        "E203",
        "complex numbers",
        "limit",
        "Arrays hold real numbers, integers or truth values. Functions with complex values on the way (Fourier "
        "transforms, eigenvalues of matrices without symmetry, roots of polynomials) cannot be traced.",
        "pf.trace(lambda x: jax.numpy.abs(jax.numpy.fft.fft(x)), x)",
    ),
    ErrorRow(
        "E204",
        "effects",
        "limit",
        "A program is a function of its inputs. Callbacks, printing and mutable references from outside are effects, "
        "which a program that is differentiated, batched and compiled cannot keep in order.",
        "pf.trace(lambda x: (jax.debug.print('{}', x), x)[1], x)",
    ),
    ErrorRow(
        "E205",
        "a value decides what is traced",
        "user",
        "While a function is traced its arrays have types but no values, so Python cannot branch on them, count with "
        "them or use them as shapes. Use `jax.numpy.where` or `jax.lax.cond`, give arrays a fixed size, or declare the "
        "argument static.",
        "pf.trace(lambda x: x if x > 0 else -x, 1.0)",
    ),
    ErrorRow(
        "E206",
        "random keys of another generator",
        "limit",
        "Keys are arrays of 32-bit words of JAX's default generator, threefry2x32, whose bits the reference can draw "
        "as well.",
        'pf.trace(lambda k: jax.random.normal(k), jax.random.key(0, impl="rbg"))',
    ),
    ErrorRow(
        "E207",
        "a custom rule that does not fit its function",
        "user",
        "The rule that a `custom_jvp` or `custom_vjp` function was given raises an error, or gives results of other "
        "types than the function asks for: a cotangent has the shape of its argument, so what was broadcast is summed.",
        "f.defvjp(lambda a, x: (a * x, (a, x)), lambda r, y_bar: (r[1] * y_bar, r[0] * y_bar))   -- a is a number",
    ),
)
