"""Says whether an address is on the public internet, and so may be called for somebody else, or is nearby."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

# IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates), written out because Python's own
# `is_global` differs from release to release.
_NOT_PUBLIC_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata service is 100.100.100.200
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform service: a public number that only a virtual machine can reach
            "169.254.0.0/16",  # link-local; the metadata service of AWS, Azure, Google and others
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata service is 192.0.0.192
            "192.0.2.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and the broadcast address
        ),
    )
)
# RFC 4291: what is public begins with 001. That alone leaves out loopback, unique local (AWS's metadata service
# fd00:ec2::254 among them), link-local, multicast, IPv4-mapped addresses and NAT64 (RFC 6052, RFC 8215).
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments; Teredo, which carries an IPv4 address, among them
            "2001:db8::/32",
            "2002::/16",  # 6to4 carries an IPv4 address
            "3fff::/20",
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether `address`, an IP address as text, is a public unicast one. False for anything that is not an address.

    Not public: private, loopback, link-local, carrier NAT, multicast, reserved and documentation ranges, addresses that
    carry another one inside (IPv4-mapped, NAT64, 6to4, Teredo), those with a zone, and clouds' metadata services.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    if parsed.scope_id is not None or parsed not in _PUBLIC_V6:
        return False
    return not any(parsed in network for network in _NOT_PUBLIC_V6)


def nearby(url: str) -> bool:
    """Whether a secret may go to that address: over TLS, or on this machine and its own network."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and private(host)))


def private(host: str) -> bool:
    """Whether the host is on this machine or network, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))
