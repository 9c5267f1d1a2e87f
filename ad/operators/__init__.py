"""Plans for the derivatives of an operator: which jets to push through a field, and how to read atoms from them."""
