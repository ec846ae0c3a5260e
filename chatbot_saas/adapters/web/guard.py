"""Which addresses a request for a customer may reach: for crawls, webhooks and models at addresses of customers.

Two looks, and both are needed: `check_url` at every address before a request and at every redirect, and
`GuardedResolver` at what the name turns out to be, in the very look-up whose answer is then connected to. A name that
changes its answer in between (DNS rebinding) gains nothing. `guarded_connector` is the door that has both.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import aiohttp
import certifi
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from chatbot_saas.adapters.web.addresses import Address, is_metadata, is_public, parse
from chatbot_saas.adapters.web.failures import (
    AddressForbiddenError,
    AddressInvalidError,
    NameNotFoundError,
    PortForbiddenError,
    ResolverFailedError,
)
from chatbot_saas.adapters.web.urls import USUAL_PORTS, host_and_port, split

# Names that lead to this machine or its own network wherever they are looked up (RFC 6761, 6762, 8375)
_PRIVATE_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
_LOOKUP_THREADS = 8
_FINAL = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAMILY})  # errors of a name, not of the look-up


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """What an operator allows beyond the public internet: pairs of host and port, where port 0 is any."""

    entries: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "AllowedHosts":
        """From `host`, `host:port` or `[IPv6]:port`, separated by commas. ValueError for what is none of these."""
        try:
            return cls(frozenset(host_and_port(entry.strip()) for entry in text.split(",") if entry.strip()))
        except AddressInvalidError as error:
            raise ValueError("CRAWL_ALLOW_HOSTS takes host, host:port or [IPv6]:port, separated by commas") from error

    def names(self, host: str, port: int) -> bool:
        """Whether this host is named, for this port or any."""
        return (host, 0) in self.entries or (host, port) in self.entries


NOTHING = AllowedHosts()


@dataclass(frozen=True, slots=True)
class Target:
    """An address that passed: `url` is to be requested as it is, `host` is lower case ASCII or an IP address."""

    url: yarl.URL
    host: str
    port: int

    @property
    def origin(self) -> str:
        return str(self.url.origin())


def check_url(url: str, allowed: AllowedHosts = NOTHING) -> Target:
    """`url`, which anybody may have written, as something that may be requested over a `guarded_connector`.

    Raises AddressInvalidError for what is no http(s) address, AddressForbiddenError for other schemes, user names and
    hosts that are not public, PortForbiddenError for other ports than 80 and 443.
    """
    parts = split(url)
    host, port = parts.host, parts.port
    named = allowed.names(host, port)
    if address := parse(host):
        check_address(address, host, port, allowed)
    elif not named and (host in _METADATA_NAMES or f".{host}".endswith(tuple(f".{name}" for name in _PRIVATE_NAMES))):
        raise AddressForbiddenError
    elif not named and "." not in host:
        raise AddressInvalidError("The address names no website: something like www.example.com is missing.")
    if not named and port not in USUAL_PORTS.values():
        raise PortForbiddenError
    made = yarl.URL(str(parts), encoded=True)
    if (made.scheme, made.raw_host, made.port) != (parts.scheme, host, port):
        raise AddressInvalidError  # the library that sends the request reads it in another way
    return Target(made, host, port)


def check_address(address: Address | None, host: str, port: int, allowed: AllowedHosts = NOTHING) -> None:
    """Raise AddressForbiddenError if what `host` names may not be at `address`; None is what could not be read."""
    if address is not None and is_public(address):
        return
    if address is None or not allowed.names(host, port) or address.is_multicast or address.is_unspecified:
        raise AddressForbiddenError
    if is_metadata(address) and host not in _METADATA_NAMES and not allowed.names(str(address), port):
        raise AddressForbiddenError


Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host (for a port), as text. Raises OSError."""


class SystemLookup:
    """The operating system's look-up, in a few threads of its own: a slow name must not take those of everybody."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="name-lookup")

    async def __call__(self, host: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """A resolver for aiohttp that gives only addresses that the host may have; a single bad one spoils the answer.

    aiohttp does not ask it about IP addresses: `check_url` has judged those.
    """

    def __init__(self, allowed: AllowedHosts = NOTHING, lookup: Lookup | None = None) -> None:
        self._allowed = allowed
        self._system = SystemLookup()
        self._lookup = lookup or self._system

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._lookup(host, port)
        except socket.gaierror as error:
            raise (NameNotFoundError if error.errno in _FINAL else ResolverFailedError)() from error
        except UnicodeError as error:
            raise AddressInvalidError from error
        except OSError as error:
            raise ResolverFailedError from error
        if not found:
            raise NameNotFoundError
        for text in found:
            check_address(parse(text), host.lower().removesuffix("."), port, self._allowed)
        return [_result(host, text, port) for text in found]

    async def close(self) -> None:
        self._system.close()


def _result(host: str, address: str, port: int) -> ResolveResult:
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }


def guarded_connector(resolver: GuardedResolver) -> aiohttp.TCPConnector:
    """Connections only to what `resolver` lets through, with certificates checked. Needs a running event loop.

    Whoever uses it passes only addresses of `check_url`, leaves `trust_env` and redirects off, and closes it.
    """
    return aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, ssl=_trusted(), limit=100)


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    trusted = ssl.create_default_context()
    trusted.load_verify_locations(certifi.where())  # a bare container has no certificates of its own
    return trusted
