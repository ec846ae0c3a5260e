"""Which IP addresses are public: reachable by everybody, and nobody's own network."""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

# Beyond what Python's registry knows or rates differently. 192.88.99.0/24: relays for 6to4, taken back by RFC 7526.
_CLOSED_V4 = [
    IPv4Network(network)
    for network in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3")
]
_GLOBAL_V6 = IPv6Network("2000::/3")  # all of IPv6 that IANA has given out for unicast
# Protocol assignments (Teredo and ORCHID among them), documentation, 6to4: no website lives there, and some carry
# another address inside.
_CLOSED_V6 = [IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: what resolvers of IPv6-only networks make of any IPv4 address

METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean and many more
        "169.254.170.2",  # AWS, containers
        "169.254.170.23",  # AWS, pods
        "169.254.42.42",  # Scaleway
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle, formerly
        "168.63.129.16",  # Azure; public by its number
    )
)
"""Where clouds hand out credentials of the machine that asks."""


def parse(text: str) -> Address | None:
    """The address in `text`, unwrapped if it carries an IPv4 address; None if it is none. Refuses zones (%eth0)."""
    if "%" in text:
        return None
    try:
        return unwrapped(ipaddress.ip_address(text))
    except ValueError:
        return None


def unwrapped(address: Address) -> Address:
    """The IPv4 address that is meant by an IPv4-mapped or NAT64 address; others as they are."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_metadata(address: Address) -> bool:
    """Whether a cloud's metadata service is there: its known addresses, and all of IPv4's link-local ones."""
    address = unwrapped(address)
    return address in METADATA_ADDRESSES or (isinstance(address, IPv4Address) and address.is_link_local)


def is_public(address: Address) -> bool:
    """Whether it is a unicast address of the public internet, and no way round to one that is not."""
    address = unwrapped(address)
    if address in METADATA_ADDRESSES or not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _CLOSED_V6)
