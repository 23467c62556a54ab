"""Turns a browser's secret token into a user id; knows no store and no screen.

Whoever holds the token is that user: it never appears in a log, an address or an export, and the id derived from it
cannot be turned back.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from palign.schema import ConfigError

__all__ = ["STORAGE_KEY", "STORAGE_SECRET", "new_saved", "user_id"]

STORAGE_KEY = "palign"
# Ships to every browser, so it hides nothing. It must never change: another value makes the next page load overwrite
# what visitors have saved.
STORAGE_SECRET = "palign browser state 1"

_SCHEMA = 1
_TOKEN_BYTES = 32
_TOKEN_CHARACTERS = range(43, 129)


def new_saved() -> dict[str, object]:
    """What a browser keeps for a new visitor: a schema number and a random token of 256 bits."""
    return {"schema": _SCHEMA, "token": secrets.token_urlsafe(_TOKEN_BYTES)}


def user_id(saved: object) -> str:
    """The user a browser's saved value stands for: SHA-256 of its token, 64 hexadecimal digits.

    Raises:
        ConfigError: the value holds no token of the right form; browsers may send anything.
    """
    token = saved.get("token") if isinstance(saved, Mapping) else None
    if not isinstance(token, str) or len(token) not in _TOKEN_CHARACTERS or not token.isascii():
        raise ConfigError("This page does not know who you are yet.", hint="Reload the page.")
    return hashlib.sha256(token.encode("ascii")).hexdigest()
