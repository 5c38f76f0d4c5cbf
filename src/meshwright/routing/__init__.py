"""The brain: which model answers, and why. Pure: it reads values and gives values."""
