"""Batches: requests that may take a day, run one by one on our own queue, over any model."""
