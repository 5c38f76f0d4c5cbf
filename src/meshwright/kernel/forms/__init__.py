"""Answers held to the form that was asked for."""
