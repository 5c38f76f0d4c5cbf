"""Answers in pieces: their ways to the client, and what happens when one breaks."""
