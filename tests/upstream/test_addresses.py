from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.upstream.addresses import carried, is_metadata, is_public

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 168.63.129.16 169.254.0.1
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.9.9
198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 100.100.100.200
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::8.8.8.8
64:ff9b:1::a00:1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1
2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
2606:4700:4700::1111%1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 140.82.121.6 172.15.255.255 172.32.0.0 192.0.1.0
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700:4700::1111 2a00:1450::1 2001:200::1
"""
METADATA = """
169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254 fe80::1
::ffff:169.254.169.254 ::169.254.169.254 ::ffff:0:169.254.169.254 64:ff9b::169.254.169.254 64:ff9b:1::a9fe:a9fe
64:ff9b:1:a9fe:a9:fe00:: 64:ff9b:1:a9:fe:a9fe:: 64:ff9b:1:0:a9:fea9:fe00:0 2002:a9fe:a9fe::1
2001:0:a9fe:a9fe:: 2001::5601:5601
"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_an_address_of_a_special_network_is_not_public(text):
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_an_ordinary_address_is_public(text):
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", METADATA.split())
def test_a_metadata_address_is_found_in_every_wrapping(text):
    assert is_metadata(ip_address(text))


def test_the_ipv4_address_that_traffic_ends_at_is_read_out_of_an_ipv6_address():
    inner = IPv4Address("10.1.2.3")
    assert carried(IPv6Address("::ffff:10.1.2.3")) == inner
    assert carried(IPv6Address("64:ff9b::10.1.2.3")) == inner
    assert carried(IPv6Address("2002:0a01:0203::1")) == inner
    assert carried(IPv6Address("2001:0:1:2:3:4:f5fe:fdfc")) == inner
    assert carried(IPv6Address("2606:4700::1")) is None


@given(st.ip_addresses())
def test_what_our_table_calls_public_the_standard_library_does_too(address):
    if is_public(address):
        assert address.is_global
        assert not any((address.is_multicast, address.is_reserved, address.is_private, is_metadata(address)))
        assert carried(address) is None
