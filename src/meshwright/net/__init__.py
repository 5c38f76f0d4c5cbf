"""Sockets to providers: the only room that imports an HTTP client."""
