"""Estimates of differential operators from random lanes: drawing lanes, and what can be said about a mean of them."""
