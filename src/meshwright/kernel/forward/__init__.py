"""Requests passed on as they are: Meshwright adds its caller's name, limits, and a line in the journal."""
