"""Money, keys, and the journal through which decisions leave the hot path."""
