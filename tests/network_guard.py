"""Stands between the tests and the network: only loopback and local sockets pass. Knows nothing of palign."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

GUARDED = ("connect", "connect_ex", "sendto", "sendmsg")


class NetworkUsedError(AssertionError):
    """A test tried to reach an address beyond this machine."""


def is_local(address: object) -> bool:
    """Whether a socket address, or a host name, stays on this machine."""
    if isinstance(address, str | bytes):
        return True  # a path of a Unix socket
    host = address[0] if isinstance(address, tuple) else address
    return host is None or is_local_host(str(host))


def is_local_host(host: str) -> bool:
    """Whether a host name or literal address means this machine."""
    if host in ("", "localhost"):
        return True
    try:
        parsed = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return parsed.is_loopback or parsed.is_unspecified


class NetworkGuard:
    """Refuses and remembers every attempt, for a library may swallow the refusal."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def refuse(self, what: str, target: object) -> NetworkUsedError:
        self.attempts.append(f"{what} {target!r}")
        return NetworkUsedError(f"The suite is offline, yet something called {what} with {target!r}.")

    @contextmanager
    def active(self) -> Iterator[NetworkGuard]:
        """Guard every Python socket until the block ends."""
        with mock.patch.object(socket, "getaddrinfo", self._guarded_lookup(socket.getaddrinfo)):
            patches = [mock.patch.object(socket.socket, name, self._guarded(name)) for name in GUARDED]
            for patch in patches:
                patch.start()
            try:
                yield self
            finally:
                for patch in reversed(patches):
                    patch.stop()

    def _guarded(self, name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def method(sock: socket.socket, *args: Any) -> Any:
            address = _address_of(name, args)
            if address is not None and not is_local(address):
                raise self.refuse(name, address)
            return original(sock, *args)

        return method

    def _guarded_lookup(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
            if name is not None and not is_local_host(name):
                raise self.refuse("getaddrinfo", name)
            return original(host, *args, **kwargs)

        return lookup


def _address_of(name: str, args: tuple[Any, ...]) -> object | None:
    """The address among a call's positional arguments; None where a connected socket needs none."""
    if name == "sendmsg":
        return args[3] if len(args) > 3 else None
    return args[-1] if args else None
