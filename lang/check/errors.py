"""Rows of the error index that belong to the checker (E030-E099); every example gives exactly its code."""

from __future__ import annotations

from ..errors_index import ErrorRow

_PLACES = 16
_ARMS = [
    f"({', '.join(['_'] * place + [case, case] + ['_'] * (_PLACES - place - 2))}) => 1.0"
    for place in range(_PLACES - 1)
    for case in ("On", "Off")
]
_MANY_CASES = (
    f"data Switch = On | Off\ndef f(s: Switch): f64 = match ({', '.join(['s'] * _PLACES)}) {{\n  "
    + ";\n  ".join([*_ARMS, "_ => 0.0"])
    + "\n}\n"
)

CHECK = (
    ErrorRow(
        "E030",
        "unknown name",
        "user",
        "A name is neither bound here (a parameter, `let`, a pattern, a loop index), nor defined in this module or an "
        "import, nor a word of the language or of its library. The nearest known word is suggested.",
        "def area(radius: f64): f64 = pi * raduis^2\n",
    ),
    ErrorRow(
        "E031",
        "unknown type or size in an annotation",
        "user",
        "A written type names something that is not declared. Sizes and type variables of a definition are declared in "
        "brackets after its name: `def f[n, a: type](x: [n]a): a`.",
        "def total(x: [n]f64): f64 = sum(x)\n",
    ),
    ErrorRow(
        "E032",
        "wrong type",
        "user",
        "A value of one type stands where another one is needed. Types are exact: numbers are converted by `f64(x)`, "
        "`f32(x)`, `i64(x)` only, except that an integer literal takes the numeric type its place demands.",
        "def half(flag: bool): f64 = if flag then 0.5 else true\n",
    ),
    ErrorRow(
        "E033",
        "wrong shape",
        "user",
        "Two shapes must agree and do not. Elementwise operations take arrays of one shape, or an array and a scalar; "
        "there is no other broadcasting. Both shapes are shown under each other.",
        "def add[n, m](x: [n]f64, y: [m]f64): [n]f64 = x + y\n",
    ),
    ErrorRow(
        "E034",
        "wrong number of arguments",
        "user",
        "A call gives too few or too many arguments. What is expected is shown with the names of the parameters.",
        "def scale(x: f64, by: f64): f64 = x * by\ndef twice(x: f64): f64 = scale(x)\n",
    ),
    ErrorRow(
        "E035",
        "wrong named argument",
        "user",
        "A named argument does not name a parameter, or names one that is already given. Only definitions called by "
        "their name take named arguments.",
        "def scale(x: f64, by: f64): f64 = x * by\ndef twice(x: f64): f64 = scale(x, factor = 2.0)\n",
    ),
    ErrorRow(
        "E036",
        "not a function, or not a value",
        "user",
        "Something that is no function is called, or a word that must be called is passed around.",
        "def wrong(x: f64): f64 = x(2.0)\n",
    ),
    ErrorRow(
        "E037",
        "operation on the wrong kind of value",
        "user",
        "An operator or function works on floats, numbers or booleans and was given something else. `/` and the "
        "elementary functions take floats; `//` and `%` divide integers.",
        "def half(n: i64): i64 = n / 2\n",
    ),
    ErrorRow(
        "E038",
        "a bound must be a size",
        "user",
        "Bounds of `for`, `loop … for`, `limit`, slices and arguments of `iota`, `reshape` and `size` parameters are "
        "known before anything runs: integer literals, size variables, `+ - *`. For a number of rounds known only at "
        "run time use `loop … while … limit …`.",
        "def ones(count: i64): f64 = sum(for i < count => 1.0)\n",
    ),
    ErrorRow(
        "E039",
        "wrong indexing",
        "user",
        "More indices than axes, an index into something that is no array, or an index that is an array.",
        "def corner[n](x: [n]f64): f64 = x[0, 0]\n",
    ),
    ErrorRow(
        "E040",
        "index out of range",
        "user",
        "An index is outside its axis whatever the sizes are. Indices are counted from 0 and never negative.",
        "def last(x: [3]f64): f64 = x[3]\n",
    ),
    ErrorRow(
        "E041",
        "impossible size",
        "user",
        "A condition on sizes can never hold: a slice outside its array, a reduction of an array without elements, a "
        "`reshape` that changes the number of elements. Sizes at which it fails are shown.",
        "def pairs(x: [7]f64): [2, 3]f64 = reshape(x, 2, 3)\n",
    ),
    ErrorRow(
        "E042",
        "no such field or place",
        "user",
        "A record has no field of this name, a tuple no such place (counted from 0), or the value is neither.",
        "def width(box: {low: f64, high: f64}): f64 = box.hihg - box.low\n",
    ),
    ErrorRow(
        "E043",
        "a match that is not complete",
        "user",
        "Every value must have an arm. A value without one is shown.",
        "data Shape = Ball(f64) | Cube(f64)\ndef volume(s: Shape): f64 = match s { Cube(a) => a^3 }\n",
    ),
    ErrorRow(
        "E044",
        "an arm that is never reached",
        "user",
        "The arms above already match everything this one could. This is a warning.",
        "data Shape = Ball(f64) | Cube(f64)\n"
        "def width(s: Shape): f64 = match s { Ball(r) => r; _ => 1.0; Cube(a) => a }\n",
    ),
    ErrorRow(
        "E045",
        "unknown constructor",
        "user",
        "A pattern that begins with a capital letter must be a constructor of a declared type.",
        "data Shape = Ball(f64) | Cube(f64)\ndef volume(s: Shape): f64 = match s { Bal(r) => r; Cube(a) => a^3 }\n",
    ),
    ErrorRow(
        "E046",
        "wrong number of fields in a pattern",
        "user",
        "A constructor pattern has one pattern for each field of the constructor.",
        "data Shape = Ball(f64) | Cube(f64)\ndef volume(s: Shape): f64 = match s { Ball(r, h) => r; Cube(a) => a^3 }\n",
    ),
    ErrorRow(
        "E047",
        "a pattern that does not fit",
        "user",
        "A tuple pattern has one place for each item of the tuple; a record pattern needs a record.",
        "def first(p: (f64, f64)): f64 = let (a, b, c) = p in a\n",
    ),
    ErrorRow(
        "E048",
        "a parameter without a type",
        "user",
        "Parameters of definitions are annotated; those of lambdas too, unless the place where the lambda stands tells "
        "their type.",
        "def double(x): f64 = 2.0 * x\n",
    ),
    ErrorRow(
        "E049",
        "a recursive definition without result type",
        "user",
        "A definition that uses itself, directly or through others, states its result type.",
        "def factorial(n: f64) = if n <= 1.0 then 1.0 else n * factorial(n - 1.0)\n",
    ),
    ErrorRow(
        "E050",
        "declared twice",
        "user",
        "A definition, type, constructor, parameter, field or pattern name occurs twice where it must be unique.",
        "def f(x: f64): f64 = x\ndef f(x: f64): f64 = 2.0 * x\n",
    ),
    ErrorRow(
        "E051",
        "a type or size that nothing determines",
        "user",
        "An expression could have several types and nothing in the program says which. Annotate a `let`.",
        "data List[a: type] = Empty | Link(a, List[a])\ndef f(x: f64): f64 = let unused = Empty in x\n",
    ),
    ErrorRow(
        "E052",
        "not differentiable",
        "user",
        "`grad` needs a function that returns one float and has a float among its parameters; `jacobian` a function "
        "from floats to floats; `hessian` and `laplacian` one of one f64 or [n]f64; `'` one of one scalar.",
        "def double[n](x: [n]f64): [n]f64 = 2.0 * x\ndef slope[n](x: [n]f64): [n]f64 = grad(double)(x)\n",
    ),
    ErrorRow(
        "E053",
        "a construct of a later version",
        "limit",
        "Functionals, models, integrals, fields and measures are part of the language's text but not of "
        "this version.",
        "def area(r: f64): f64 = integral x in (0.0, r) => x\n",
    ),
    ErrorRow(
        "E054",
        "a rule for Taylor mode",
        "limit",
        "There are no rules `with jet`: Taylor mode uses the rule `with jvp` or `with vjp` at every order.",
        "def series(x: f64): f64 = x\ndef f(x: f64): f64 with jet series = x\n",
    ),
    ErrorRow(
        "E056",
        "a custom rule that does not fit",
        "user",
        "For `f(x…): y`, `with vjp g` needs `g(x…, y_bar)` that gives the cotangent of x (a tuple when several "
        "parameters carry one), `with jvp h` needs `h(x…, x_dot…)` that gives the tangent of y.",
        "def square_vjp(x: f64): f64 = 2.0 * x\ndef square(x: f64): f64 with vjp square_vjp = x * x\n",
    ),
    ErrorRow(
        "E057",
        "an array of functions or variants",
        "limit",
        "Arrays hold numbers, booleans, and tuples and records of them.",
        "data Shape = Ball(f64) | Cube(f64)\ndef f[n](r: [n]f64): f64 = let balls = for i < n => Ball(r[i]) in 1.0\n",
    ),
    ErrorRow(
        "E059",
        "a type that contains itself",
        "user",
        "An expression would need an infinite type, for example an array that is its own element.",
        "data List[a: type] = Empty | Link(a, List[a])\n"
        "def wrong(x: f64): f64 = let l = match Empty { Empty => Empty; Link(a, b) => Link(b, b) } in x\n",
    ),
    ErrorRow(
        "E060",
        "a loop whose state changes its type",
        "user",
        "Each step of a loop gives a state of the same type and shape as the initial state.",
        "def grow(x: [2]f64): [2]f64 = loop s = x for i < 3 do concat(s, s)\n",
    ),
    ErrorRow(
        "E062",
        "a variant type over sizes",
        "limit",
        "Type declarations take type parameters only in this version; a field may hold an array through a type "
        "parameter.",
        "data Vector[n] = Vector([n]f64)\n",
    ),
    ErrorRow(
        "E063",
        "an integer or size that is too large",
        "user",
        "Integers have 64 bits, literal exponents 31; a size is a polynomial of at most 64 terms. Larger numbers are "
        "written as floats.",
        "def big(x: i64): i64 = x + 9223372036854775808\n",
    ),
    ErrorRow(
        "E064",
        "a match with too many combinations",
        "limit",
        "Whether a `match` over many parts is complete can take time exponential in their number, so the search "
        "ends after a fixed number of steps.",
        _MANY_CASES,
    ),
    ErrorRow(
        "E065",
        "a value with too many parts",
        "limit",
        "A tuple or record may have 2,000 parts, those of its parts included. Doubling a tuple a few dozen times would "
        "otherwise describe a value that no machine can hold.",
        "def wide(x0: f64): f64 =\n" + "".join(f"  let x{k + 1} = (x{k}, x{k})\n" for k in range(12)) + "  in x0\n",
    ),
)
