"""TLS contexts: the system's authorities, and those of a PEM file beside them."""

from __future__ import annotations

import ssl

from meshwright.types.errors import ConnectFailed


class Trust:
    """Makes one TLS context per CA file and keeps it: loading the authorities takes some ten milliseconds."""

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    def context(self, ca_file: str | None) -> ssl.SSLContext:
        """A context that verifies certificate and host name. Raises ConnectFailed when `ca_file` cannot be used."""
        known = self._contexts.get(ca_file)
        if known is not None:
            return known
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if ca_file is not None:
            try:
                context.load_verify_locations(cafile=ca_file)
            except OSError as error:  # ssl.SSLError, for a file that holds no certificate, is one too
                raise ConnectFailed(
                    f"The CA file {ca_file} cannot be used: {error}.", field="ca_file", fix="Name a readable PEM file."
                ) from error
        self._contexts[ca_file] = context
        return context
