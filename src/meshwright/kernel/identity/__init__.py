"""Who Meshwright is at a provider: a plain key, or an identity at its cloud."""
