"""Tests of the evaluators: control, functions and variants, errors with spans, exact arithmetic."""
