"""What mesh.toml may say: its tables, how it is read, and what its types cannot say."""
