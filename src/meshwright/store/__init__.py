"""The control plane's database: decisions, attempts, keys, settings, and how far the journal was read."""
