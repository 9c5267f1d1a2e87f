"""Fuzzing of everything that reads: hostile texts and files enter, a count of inputs and the crashes leave.

Every input follows from the target's name, a seed and the input's number, so a run can stop and go on, and one line
repeats a crash: ``python -m pushforward.verify.fuzz parser --from N --count 1``. Inputs are sentences of the grammar,
sentences with damaged tokens, and valid files with damaged bytes (Miller, Fredriksen & So 1990).
"""
