"""Questions that are no chat: vectors, and rankings."""
