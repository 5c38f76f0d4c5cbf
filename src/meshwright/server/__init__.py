"""HTTP in and out: one small file per endpoint."""
