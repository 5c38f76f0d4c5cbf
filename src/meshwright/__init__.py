"""Meshwright: one reliable, governed system made of many language models."""

__version__ = "0.1.0"
