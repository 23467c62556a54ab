"""The guard that keeps the suite offline, held to every door it claims to close."""

from __future__ import annotations

import socket

import pytest
from network_guard import NetworkGuard, NetworkUsedError, is_local

OUTSIDE = ("192.0.2.1", 9)  # TEST-NET-1: reserved for documentation, routed nowhere


def tcp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@pytest.mark.parametrize(
    ("make", "attempt"),
    [
        (tcp, lambda sock: sock.connect(OUTSIDE)),
        (tcp, lambda sock: sock.connect_ex(OUTSIDE)),
        (udp, lambda sock: sock.sendto(b"x", OUTSIDE)),
        (udp, lambda sock: sock.sendto(b"x", 0, OUTSIDE)),
        (udp, lambda sock: sock.sendmsg([b"x"], [], 0, OUTSIDE)),
    ],
    ids=["connect", "connect_ex", "sendto", "sendto with flags", "sendmsg"],
)
def test_every_way_out_is_refused_and_remembered(make, attempt):
    guard = NetworkGuard()
    with guard.active(), make() as sock, pytest.raises(NetworkUsedError):
        attempt(sock)
    assert len(guard.attempts) == 1


def test_names_are_not_looked_up():
    guard = NetworkGuard()
    with guard.active(), pytest.raises(NetworkUsedError):
        socket.create_connection(("example.invalid", 80))
    assert guard.attempts == ["getaddrinfo 'example.invalid'"]


def test_loopback_passes_by_address_and_by_name():
    guard = NetworkGuard()
    with guard.active(), socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port)).close()
    assert guard.attempts == []


def test_the_guard_leaves_no_trace():
    before = (socket.socket.connect, socket.socket.sendto, socket.getaddrinfo)
    with NetworkGuard().active():
        assert socket.socket.connect is not before[0]
    assert (socket.socket.connect, socket.socket.sendto, socket.getaddrinfo) == before


@pytest.mark.parametrize("address", [("127.9.9.9", 1), ("::1", 1, 0, 0), ("localhost", 1), "a-socket", b"\0abstract"])
def test_local_addresses_are_local(address):
    assert is_local(address)


@pytest.mark.parametrize("address", [("10.0.0.1", 1), ("localhost.example", 1), ("fe80::1%eth0", 1, 0, 2), ("1.1", 1)])
def test_other_addresses_are_not(address):
    assert not is_local(address)
