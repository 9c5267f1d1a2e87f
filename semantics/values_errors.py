"""The error index of values and data files: codes E160 to E173."""

from __future__ import annotations

from ..lang.errors_index import ErrorRow

ROWS = (
    ErrorRow(
        "E160",
        "a literal cannot be read",
        "user",
        "Values on the command line are numbers, true, false, inf, lists `[1]`, tuples `(1, 2)`, records `{mu = 0}`.\n"
        "Nothing is evaluated: write 0.5, not 1/2. Quote brackets and braces so that the shell leaves them alone.",
        "pf run model.pf f x=1/2",
    ),
    ErrorRow(
        "E161",
        "an input has no value",
        "user",
        "Every input of the definition needs a value; the message lists the inputs and what was given.",
        "pf run model.pf f",
    ),
    ErrorRow(
        "E162",
        "there is no such input",
        "user",
        "A value was given for a name that is not an input, or twice for one input.",
        "pf run model.pf f z=1",
    ),
    ErrorRow(
        "E163",
        "a value has the wrong shape",
        "user",
        "The number of axes, tuple items or record fields differs from the type of the input.",
        "pf run model.pf f x=[1,2]   -- for x: f64",
    ),
    ErrorRow(
        "E164",
        "a value has the wrong kind of number",
        "user",
        "Whole numbers become floats, nothing else is converted: a fraction is no i64, a number is no bool, an f64\n"
        "array is not rounded to f32 silently.",
        "pf run model.pf f n=1.5   -- for n: i64",
    ),
    ErrorRow(
        "E165",
        "lengths do not agree",
        "user",
        "A size variable was found to have two values; the hint says where the first came from.",
        "pf run model.pf dot x=[1,2,3] y=[1,2]",
    ),
    ErrorRow(
        "E166",
        "a size is not determined",
        "user",
        "No input has a shape from which the size follows. Give it by name.",
        "pf run model.pf zeros   -- needs n=5",
    ),
    ErrorRow(
        "E167",
        "a data file cannot be read",
        "user",
        "The file is missing, is a directory, is damaged, is not UTF-8 text, is larger than 256 MiB or nests too deep.",
        "pf run model.pf f x=@missing.json",
    ),
    ErrorRow(
        "E168",
        "a data file has no known format",
        "user",
        "The ending of the name decides: .json, .npz, .npy and .csv are read.",
        "pf run model.pf f x=@data.xlsx",
    ),
    ErrorRow(
        "E169",
        "a data file lacks the key or column",
        "user",
        "The part after the colon names a JSON key (a.b for nested ones), an array of an .npz file or columns of a\n"
        ".csv file.",
        "pf run model.pf f x=@data.csv:heihgt",
    ),
    ErrorRow(
        "E171",
        "data has holes",
        "user",
        "A value is NaN, null or an empty cell; the message says where. Remove or fill it before the run.",
        "pf run model.pf f x=@data.csv:height   -- with an empty cell",
    ),
    ErrorRow(
        "E173",
        "a word of the command is no input",
        "user",
        "Inputs are written name=VALUE and each name stands once.",
        "pf run model.pf f 1.5",
    ),
)
