"""Which IP addresses are public, by our own table: the standard library's `is_global` lets NAT64, 6to4 and others pass.

Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates) and the
cloud vendors' pages on their metadata services.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network: the kernel takes 0.0.0.0 for loopback
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's wire server
        "169.254.0.0/16",  # link-local, metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # all that has ever been given out; the rest is loopback, local, mapped or reserved
_NOT_PUBLIC_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

_METADATA = (
    IPv4Network("169.254.0.0/16"),  # every cloud's metadata and container credentials; nobody's service lives here
    IPv4Network("100.100.100.200/32"),  # Alibaba
    IPv4Network("168.63.129.16/32"),  # Azure
    IPv4Network("192.0.0.192/32"),  # Oracle
    IPv6Network("fd00:ec2::/64"),  # AWS: 254 metadata, 253 DNS, 23 pod identity
    IPv6Network("fd20:ce::/64"),  # Google
    IPv6Network("fd00:42::42/128"),  # Scaleway
    IPv6Network("fe80::/10"),  # link-local, as in IPv4
)
_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.azure.com",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_OWN = IPv6Network("::/127")  # unspecified and loopback, which lie in the range of compatible addresses
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")


def is_public(address: Address) -> bool:
    """Whether the address is an ordinary one of the public Internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None or address not in _GLOBAL_6:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6)


def is_metadata(address: Address) -> bool:
    """Whether the address is, or could be translated to, one from which clouds hand out their machines' credentials."""
    return any(one in network for one in (address, *_may_carry(address)) for network in _METADATA)


def is_metadata_name(host: str) -> bool:
    """Whether the host name, in lower case and without a trailing dot, is a metadata service's."""
    return host in _METADATA_NAMES


def carried(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that traffic to this IPv6 address ends at, None if it is no translated one."""
    if isinstance(address, IPv4Address) or address in _OWN:
        return None
    bits = int(address)
    if any(address in network for network in (_MAPPED, _TRANSLATED, _COMPATIBLE, _NAT64, _LOCAL_NAT64)):
        return IPv4Address(bits & 0xFFFF_FFFF)
    if address in _6TO4:
        return IPv4Address(bits >> 80 & 0xFFFF_FFFF)
    if address in _TEREDO:
        return IPv4Address(~bits & 0xFFFF_FFFF)
    return None


def _may_carry(address: Address) -> list[IPv4Address]:
    """Return every IPv4 address that may be read out of this one, whatever prefix length a NAT64 was set up with."""
    certain = carried(address)
    if certain is None:
        return []
    bits = int(address)
    if address in _LOCAL_NAT64:
        # RFC 6052, 2.2: prefixes of 48, 56 and 64 bits; bits 64 to 71 are left out.
        whole = (bits >> 64) << 56 | bits & (1 << 56) - 1
        return [certain, *(IPv4Address(whole >> 120 - prefix - 32 & 0xFFFF_FFFF) for prefix in (48, 56, 64))]
    if address in _TEREDO:
        return [certain, IPv4Address(bits >> 64 & 0xFFFF_FFFF)]
    return [certain]
