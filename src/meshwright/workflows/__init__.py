"""Work that consists of many requests."""
