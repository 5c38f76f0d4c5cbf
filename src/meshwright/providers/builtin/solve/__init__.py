"""The model `builtin/solve`: reads a question about numbers, formulas or units and computes the answer, or declines."""
