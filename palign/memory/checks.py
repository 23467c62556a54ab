"""What may enter the store at all: ids and texts, checked at the room's edge. Knows no database."""

from __future__ import annotations

import hashlib
import unicodedata

from palign.schema import ConfigError, InvalidTextError

MAX_ID = 64
MAX_TEXT = 1_000

_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'"})


def is_id(value: object) -> bool:
    """Whether `value` is 1 to 64 printable characters; surrogates and control characters are not printable."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable()


def require_id(value: str, *, what: str) -> str:
    """Return the id unchanged.

    Raises:
        ConfigError: it is not 1 to 64 printable characters.
    """
    if not is_id(value):
        raise ConfigError(f"The {what} is not usable.", hint=f"Use 1 to {MAX_ID} printable characters.")
    return value


def require_encodable(text: str) -> str:
    """Return the text unchanged.

    Raises:
        InvalidTextError: it holds a lone surrogate or a NUL, or nothing that can be seen.
    """
    if not isinstance(text, str) or "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidTextError("The text holds characters that are not text.", hint="Type it again as plain text.")
    if not any(unicodedata.category(char)[0] not in "CZ" for char in text):
        raise InvalidTextError("The text is empty.", hint="Write at least one word.")
    return text


def require_text(text: str) -> str:
    """Return a memory's words without the white space around them.

    Raises:
        InvalidTextError: empty, not text, or longer than 1,000 characters.
    """
    stripped = require_encodable(text).strip()
    if len(stripped) > MAX_TEXT:
        raise InvalidTextError(
            f"The text has {len(stripped):,} characters and a memory holds {MAX_TEXT:,}.", hint="Shorten it."
        )
    return stripped


def text_hash(text: str) -> str:
    """SHA-256 of the words alone: case, spacing, apostrophe style and a closing full stop do not count."""
    words = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold().split()
    return hashlib.sha256(" ".join(words).rstrip(" .!").encode()).hexdigest()
