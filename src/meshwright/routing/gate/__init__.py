"""The gate: how likely an answer is good, told from the answer itself without asking another model. Pure."""
