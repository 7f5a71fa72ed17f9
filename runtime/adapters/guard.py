"""The one way out: connections only to public addresses, or to inner networks the installation names.

Whoever registers a webhook chooses where this machine connects to, so a name is resolved once, every address it has is
looked at, and the connection goes to the very address that was looked at: a name that answers differently the second
time gains nothing. No proxy is taken from the environment and no redirect is followed, for either would go elsewhere.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpcore

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_NAT64: Final = IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """The address may not be connected to; the message names no host."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for a name's addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Guard:
    """Looks at addresses before connecting; ``allow`` are inner networks that may be reached, over plain HTTP too."""

    def __init__(self, allow: Iterable[str] = (), *, resolve: Resolve = resolve) -> None:
        self._allow: list[IPv4Network | IPv6Network] = [ip_network(network, strict=False) for network in allow]
        self._resolve = resolve

    def allowed(self, address: Address) -> bool:
        """Tell whether an address lies in an inner network the installation names."""
        return any(address in network for network in self._allow)

    async def vetted(self, host: str, port: int, *, plain: bool = False) -> str:
        """Resolve a name and give the address to connect to; raises Refused when any of its addresses is not public.

        ``plain``: nothing encrypts the connection, so only allowed inner networks will do.
        """
        try:
            found = [_meant(ip_address(text.partition("%")[0])) for text in await self._resolve(host, port)]
        except (OSError, ValueError, UnicodeError):
            raise Refused("the name of the receiver cannot be resolved") from None
        if not found:
            raise Refused("the name of the receiver has no address")
        for address in found:
            if self.allowed(address):
                continue
            if not _public(address):
                raise Refused("the receiver's address lies inside a private network")
            if plain:
                raise Refused("the receiver is not reached over HTTPS")
        return str(found[0])


class Backend(httpcore.AnyIOBackend):
    """Connects httpcore through a guard: to the vetted address itself, while TLS still names the host."""

    def __init__(self, guard: Guard, *, plain: bool) -> None:
        super().__init__()
        self._guard, self._plain = guard, plain

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,  # noqa: ASYNC109  # httpcore's own
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        """Connect to a vetted address; raises Refused for any other."""
        address = await self._guard.vetted(host, port, plain=self._plain)
        return await super().connect_tcp(address, port, timeout, local_address, socket_options)


def trust(ca_file: str | None = None) -> ssl.SSLContext:
    """Make what certificates are checked with: the system's authorities, and one of one's own if given."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _meant(address: Address) -> Address:
    """Take an IPv4 address out of the IPv6 forms that carry one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def _public(address: Address) -> bool:
    carried = isinstance(address, IPv6Address) and address.teredo is not None
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified or carried)
