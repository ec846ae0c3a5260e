"""What must never be reached, however it is written, named, resolved or forwarded to."""

import itertools
import random
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest

from chatbot_saas.adapters.web.addresses import is_public, parse
from chatbot_saas.adapters.web.failures import (
    AddressForbiddenError,
    AddressInvalidError,
    NameNotFoundError,
    PortForbiddenError,
    ResolverFailedError,
)
from chatbot_saas.adapters.web.guard import AllowedHosts, GuardedResolver, check_url

PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.0.1"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("100.100.100.200", "168.63.129.16"),
]
PRIVATE_V6 = [
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2001:10::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd12::1", "fe80::1"),
    *("fec0::1", "ff02::1", "fd20:ce::254", "4000::1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255"]
PUBLIC_V6 = ["2606:4700:4700::1111", "2a00:1450:4001::8a", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE + PRIVATE_V6)
def test_private_addresses(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises((AddressForbiddenError, AddressInvalidError)):
        check_url(f"http://[{address}]/" if ":" in address else f"http://{address}/")


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_V6)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    target = check_url(f"http://[{address}]/x" if ":" in address else f"http://{address}/x")
    assert ip_address(target.host) == parse(address)


def spellings(address: str) -> list[str]:
    """The ways in which programs read an IPv4 address."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = (a << 24) + (b << 16) + (c << 8) + d
    parts = [
        [str(part), oct(part).replace("0o", "0"), hex(part), f"00{part:o}", f"0X{part:X}"] for part in (a, b, c, d)
    ]
    mixed = [".".join(combination) for combination in itertools.product(*(part[:3] for part in parts))]
    short = [f"{a}.{(b << 16) + (c << 8) + d}", f"{a}.{b}.{(c << 8) + d}", f"0x{a:x}.{(b << 16) + (c << 8) + d}"]
    whole = [str(number), hex(number), f"0{number:o}", f"0x{number:08X}", f"{address}."]
    wide = [address.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}), address.replace(".", "。")]
    return [*mixed, *(".".join(column) for column in zip(*parts, strict=True)), *short, *whole, *wide]


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1"])
def test_no_spelling_hides_an_address(address: str) -> None:
    for spelling in spellings(address):
        with pytest.raises(AddressForbiddenError):
            check_url(f"http://{spelling}/")


def test_every_spelling_means_the_same_public_address() -> None:
    assert {check_url(f"http://{spelling}/").host for spelling in spellings("93.184.216.34")} == {"93.184.216.34"}


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com", "//example.com/", "http:/example.com", "http:example.com", "http:///x", "http://"),
        *(
            "http://exa mple.com/",
            "http://example.com\t/",
            "http://example.com\n.evil.example/",
            "http://example.com/\r\nX: y",
        ),
        *(
            "http://example.com\\@127.0.0.1/",
            "http:\\\\127.0.0.1\\",
            "http://example.com/a\\b",
            "http://example.com\x00.org/",
        ),
        *(
            "http://user@example.com/",
            "http://user:secret@example.com/",
            "http://127.0.0.1@example.com/",
            "http://@example.com",
        ),
        *("http://example.com:80@127.0.0.1/", "http://a@b@example.com/"),
        *(
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
        ),
        *(
            "dict://127.0.0.1:11211/",
            "ldap://example.com",
            "jar:http://example.com!/",
            "view-source:http://example.com",
        ),
        *(
            "http://[::1",
            "http://::1/",
            "http://[::1]x/",
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://[1.2.3.4]/",
        ),
        *(
            "http://%31%32%37.0.0.1/",
            "http://127.0.0.1%2f@example.com/",
            "http://example.com%00/",
            "http://exam%70le.com/",
        ),
        *(
            "http://256.1.1.1/",
            "http://1.2.3.4.5/",
            "http://0x100000000/",
            "http://1.2.3.08/",
            "http://1..2/",
            "http://4294967296/",
        ),
        *("http://.example.com/", "http://example..com/", "http://-a.example/", "http://" + "a" * 64 + ".example/"),
        *("http://example.com:x/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:-80/"),
        *(
            "http://example.com:80:80/",
            "http://example.com: 80/",
            "http://" + "a." * 130 + "example/",
            "http://\ud800.example/",
        ),
        *(
            "http://\u200bexample\ufeff.com/",
            "http://exa\xa0mple.com/",
            "http://example.com/" + "x" * 3000,
            "http://xn--/",
        ),
    ],
)
def test_what_is_no_address_of_a_public_page(url: str) -> None:
    with pytest.raises((AddressInvalidError, AddressForbiddenError)):
        check_url(url)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "foo.localhost",
            "printer.local",
            "db.internal",
            "router.lan",
            "intranet",
        ),
        *(
            "metadata",
            "metadata.google.internal",
            "METADATA.GOOGLE.INTERNAL.",
            "metadata.goog",
            "ｌｏｃａｌｈｏｓｔ",
            "kafka",
        ),
    ],
)
def test_names_that_are_nobodys_website(host: str) -> None:
    with pytest.raises((AddressInvalidError, AddressForbiddenError)):
        check_url(f"http://{host}/")


@pytest.mark.parametrize("port", [1, 22, 25, 81, 3306, 5432, 6379, 8080, 8443, 65535])
def test_other_ports(port: int) -> None:
    with pytest.raises(PortForbiddenError):
        check_url(f"http://example.com:{port}/")


def test_what_passes_is_what_is_requested() -> None:
    for given, requested in {
        "HTTP://EXAMPLE.com.:80/A%2fb?q=1#frag": "http://example.com/A%2fb?q=1",
        "https://example.com:443": "https://example.com/",
        "http://example.com:443/": "http://example.com:443/",
        "http://example.com?x=@127.0.0.1:80": "http://example.com/?x=@127.0.0.1:80",
        "https://bücher.example/käse?ö": "https://xn--bcher-kva.example/k%C3%A4se?%C3%B6",
        "http://example.com#@127.0.0.1:80@/": "http://example.com/",
        "http://faß.example/": "http://xn--fa-hia.example/",
        "http://[2606:4700:4700::1111]:80/": "http://[2606:4700:4700::1111]/",
        "http://[::ffff:8.8.8.8]/": "http://8.8.8.8/",
        "http://134744072/": "http://8.8.8.8/",
    }.items():
        assert str(check_url(given).url) == requested


def test_allowed_hosts_are_reached_by_their_name_only() -> None:
    allowed = AllowedHosts.parse(" intranet:8080, 10.1.2.3 ,localhost,[fd00::5]:81, ")
    for url in (
        "http://intranet:8080/",
        "http://10.1.2.3/",
        "http://10.1.2.3:9999/",
        "http://LOCALHOST.:1/",
        "http://[fd00::5]:81/",
    ):
        assert check_url(url, allowed)
    assert check_url("http://167838211/", allowed).host == "10.1.2.3"
    for url in (
        "http://intranet/",
        "http://intranet:8081/",
        "http://10.1.2.4/",
        "http://127.0.0.1/",
        "http://[fd00::5]/",
    ):
        with pytest.raises((AddressForbiddenError, AddressInvalidError)):
            check_url(url, allowed)
    for text in ("http://x", "a b", "x:99999", "[::1", "user@host"):
        with pytest.raises(ValueError, match="CRAWL_ALLOW_HOSTS"):
            AllowedHosts.parse(text)


def test_metadata_is_reached_only_when_named_itself() -> None:
    assert check_url("http://169.254.169.254/", AllowedHosts.parse("169.254.169.254"))
    assert check_url("http://metadata.google.internal/", AllowedHosts.parse("metadata.google.internal"))


async def resolve(host: str, answer: list[str] | OSError, allowed: str = "", port: int = 80) -> list[str]:
    async def lookup(asked: str, asked_port: int) -> list[str]:
        assert (asked, asked_port) == (host, port)
        if isinstance(answer, OSError):
            raise answer
        return answer

    resolver = GuardedResolver(AllowedHosts.parse(allowed), lookup)
    try:
        return [found["host"] for found in await resolver.resolve(host, port)]
    finally:
        await resolver.close()


@pytest.mark.parametrize("address", PRIVATE + PRIVATE_V6)
async def test_names_with_private_addresses(address: str) -> None:
    for answer in ([address], ["8.8.8.8", address], [address, "2606:4700:4700::1111"]):
        with pytest.raises(AddressForbiddenError):
            await resolve("evil.example", answer)


async def test_names_with_odd_answers() -> None:
    for odd in ("fe80::1%eth0", "", "localhost", "8.8.8.8 ", "0x7f.1"):
        with pytest.raises(AddressForbiddenError):
            await resolve("evil.example", [odd])
    with pytest.raises(NameNotFoundError):
        await resolve("evil.example", [])
    with pytest.raises(NameNotFoundError):
        await resolve("evil.example", socket.gaierror(socket.EAI_NONAME, "unknown"))
    for passing in (socket.gaierror(socket.EAI_AGAIN, "later"), OSError("no network")):
        with pytest.raises(ResolverFailedError):
            await resolve("good.example", passing)
    assert await resolve("good.example", ["8.8.8.8", "2606:4700:4700::1111"]) == ["8.8.8.8", "2606:4700:4700::1111"]
    assert await resolve("v6-only.example", ["64:ff9b::808:808"]) == ["64:ff9b::808:808"]


async def test_an_allowed_name_may_have_private_addresses_but_no_metadata() -> None:
    assert await resolve("intranet", ["10.0.0.7"], "intranet:80") == ["10.0.0.7"]
    for address in ("169.254.169.254", "fd00:ec2::254", "169.254.1.1", "0.0.0.0", "224.0.0.1", "::"):
        with pytest.raises(AddressForbiddenError):
            await resolve("intranet", [address], "intranet")
    with pytest.raises(AddressForbiddenError):
        await resolve("intranet", ["10.0.0.7"], "intranet:8080")
    with pytest.raises(AddressForbiddenError):  # the address is allowed, but this name is not
        await resolve("evil.example", ["10.0.0.7"], "10.0.0.7")
    assert await resolve("intranet", ["169.254.169.254"], "intranet,169.254.169.254") == ["169.254.169.254"]


def test_whatever_passes_is_read_alike_by_others_and_is_public() -> None:
    """20,000 addresses put together from the pieces that attacks are made of."""
    pieces = [
        *(
            "http://",
            "https://",
            "HTTP:",
            "//",
            "/",
            "\\",
            "?",
            "#",
            "@",
            ":",
            ":80",
            ":443",
            ":8080",
            "[",
            "]",
            "[::1]",
            "%",
        ),
        *(
            "example.com",
            "127.0.0.1",
            "127.1",
            "localhost",
            "0x7f",
            "017700000001",
            "2130706433",
            "10.0.0.1",
            "1.1.1.1",
        ),
        *(
            ".",
            "..",
            "%2e",
            "%00",
            "%0d%0a",
            "\t",
            "\n",
            " ",
            "\x00",
            "\u3002",
            "\uff0e",
            "\u2488",
            "ａ",
            "ß",
            "\u200d",
            "xn--",
        ),
        *(
            "169.254.169.254",
            "::ffff:7f00:1",
            "[64:ff9b::7f00:1]",
            "[2606:4700::1]",
            "a",
            "-",
            "_",
            "user:x@",
            "&",
            "=",
            ";",
        ),
    ]
    chance = random.Random(20261121)
    passed = 0
    for _ in range(20_000):
        url = chance.choice(["", "http://", "http://", "https://", "http://example.com", "https://1.1.1.1"]) + "".join(
            chance.choice(pieces) for _ in range(chance.randint(1, 6))
        )
        try:
            target = check_url(url)
        except (AddressInvalidError, AddressForbiddenError):
            continue
        passed += 1
        requested = str(target.url)
        assert urlsplit(requested).hostname == target.host == target.url.raw_host, url
        assert (urlsplit(requested).port or {"http": 80, "https": 443}[target.url.scheme]) == target.port, url
        assert target.port in (80, 443)
        assert requested.isascii()
        address = parse(target.host)
        assert address is None or is_public(address), url
        assert address or not target.host.rpartition(".")[2].isdigit(), url
        assert check_url(requested) == target, "and it is stable"
    assert passed > 500
