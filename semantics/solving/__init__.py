"""Differential equations solved by networks: a residual and a network enter, a trained network and its error leave."""
