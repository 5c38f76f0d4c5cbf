"""The composition root: what the configuration names becomes parts."""
