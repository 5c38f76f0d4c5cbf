"""The one path that every request takes."""
