"""Differential operators: the text of an ``operator`` item enters, a definition over partial derivatives leaves."""
