"""Internet addresses of callers, and the networks that they may lie in."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parsed(address: str) -> Address | None:
    """An IPv4 address that comes dressed as IPv6 is an IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if found.version == 6 else found


def network(text: str) -> str:
    """An address or a network in its usual form. Raises ValueError."""
    return str(ipaddress.ip_network(text.strip(), strict=False))


def lies_in(address: str, networks: Iterable[str]) -> bool:
    found = parsed(address)
    return found is not None and any(found in ipaddress.ip_network(one) for one in networks)


def covers(outer: Iterable[str], inner: Iterable[str]) -> bool:
    """Whether each of the inner networks lies in one of the outer ones."""
    wide = [ipaddress.ip_network(one) for one in outer]

    def covered(text: str) -> bool:
        one = ipaddress.ip_network(text)
        return any(one.version == other.version and one.subnet_of(other) for other in wide)  # pyright: ignore

    return all(covered(text) for text in inner)
