"""Pure translation between the wire formats of clients and providers and the values of `types`."""
