"""Signs and words of other languages, with what is written here instead.

The rules of `syntax_errors` look here when a text does not parse. Keys are spellings, values are hints.
"""

FOREIGN_SIGNS = {
    "&&": "use `and`",
    "&": "use `and`",
    "||": "use `or`",
    "|": "use `or`",
    "**": "use `^` for powers",
    "!": "use `not`",
    "+=": "values never change: bind a new name with `let`",
    "-=": "values never change: bind a new name with `let`",
    "*=": "values never change: bind a new name with `let`",
    ":=": "use `=`",
    "<>": "use `!=`",
    "===": "use `==`",
    "<-": "use `let x ~ …` for a draw and `let x = …` for a value",
    "..": "ranges are written `for i < n`",
    "?": "use `if c then a else b`",
    "\\": "a function is written `fn (x) => …`",
    "$": "leave it out",
    "`": "leave it out",
    "−": "use the sign `-` of the keyboard",
    "–": "use the sign `-` of the keyboard",
    "×": "use `*`",
    "·": "use `*`",
    "÷": "use `/`",
    "≤": "use `<=`",
    "≥": "use `>=`",
    "≠": "use `!=`",
    "→": "use `->`",
    "⇒": "use `=>`",
    "“": 'use the quotation mark `"`',
    "”": 'use the quotation mark `"`',
}

FOREIGN_WORDS = {
    "lambda": "a function is written `fn (x) => …`",
    "return": "the body of a definition is its value: leave `return` out",
    "elif": "use `else if`",
    "elseif": "use `else if`",
    "var": "use `let x = … in …`",
    "const": "use `let x = … in …`",
    "val": "use `let x = … in …`",
    "where": "bind names before the result: `let x = … in …`",
    "case": "arms are written `match e { C(x) => …; … }`",
    "switch": "use `match e { C(x) => …; … }`",
    "begin": "use parentheses",
    "end": "leave it out: expressions end by themselves",
    "of": "arms are written `match e { C(x) => …; … }`",
}

FOREIGN_ITEMS = {
    "fun": "def",
    "func": "def",
    "function": "def",
    "fn": "def",
    "define": "def",
    "let": "def",
    "const": "def",
    "proc": "def",
    "type": "data",
    "struct": "data",
    "class": "data",
    "enum": "data",
    "include": "import",
    "use": "import",
    "from": "import",
    "check": "test",
}
"""Words that begin an item elsewhere, with the word that does it here."""
