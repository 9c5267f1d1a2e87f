"""Estimates of operators: lanes, values, error bars, bias."""
