"""Which address the screen listens on, checked before anything heavy is loaded; knows nothing of what is served."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from palign.schema import ConfigError

__all__ = ["choose_port", "require_free"]

DEFAULT_PORT = 7860


def choose_port(environ: Mapping[str, str]) -> int:
    """PORT, else GRADIO_SERVER_PORT, else 7860.

    Raises:
        ConfigError: the variable that decides holds no port number.
    """
    for name in ("PORT", "GRADIO_SERVER_PORT"):
        value = environ.get(name, "").strip()
        if value:
            return _port(name, value)
    return DEFAULT_PORT


def _port(name: str, value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value) <= 65535:
        return int(value)
    raise ConfigError(f"{name} is '{value}'.", hint=f"Set {name} to a number from 1 to 65535, or unset it.")


def require_free(host: str, port: int) -> None:
    """Fail early and clearly where the port cannot be bound.

    Raises:
        ConfigError: another program listens there, or the address is not one of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As the server itself does: a port left in TIME_WAIT by the last run counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="Stop the program that uses the port, or choose another one: PORT=7861 make run.",
        ) from error
