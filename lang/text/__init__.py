"""Unary form as text: `print_ir` writes it, `parse_ir` reads it back."""
