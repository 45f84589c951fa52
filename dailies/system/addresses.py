"""Addresses of the local network: what a name leads to before anything is fetched from it."""

import ipaddress
import socket

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_local(host: str) -> bool:
    """Return whether a host is on this machine or a network that is not public; names are resolved."""
    return any(not address.is_global for address in _addresses(host))


def is_link_local(host: str) -> bool:
    """Return whether a host is at a link-local address, such as 169.254.169.254, where clouds keep credentials."""
    return any(address.is_link_local for address in _addresses(host))


def _addresses(host: str) -> list[_Address]:
    """Return a host's addresses; none if the name does not resolve, because then nothing can be fetched from it."""
    try:
        return [_plain(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return []
    return [_plain(ipaddress.ip_address(str(place[4][0]).partition("%")[0])) for place in found]


def _plain(address: _Address) -> _Address:
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
