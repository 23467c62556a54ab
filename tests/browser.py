"""Finds an installed Chromium and says how to get one. Knows nothing of palign."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BUNDLES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ADVICE = "install it with `apt-get install chromium` (Debian), or `.venv/bin/playwright install chromium`"


def find_chromium() -> str | None:
    """Path of a Chromium to drive, or None."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or next((path for path in BUNDLES if Path(path).exists()), None) or _downloaded()


def _downloaded() -> str | None:
    """The one that `playwright install chromium` keeps in the user's cache, newest first."""
    for cache in (Path.home() / ".cache", Path.home() / "Library" / "Caches"):
        for pattern in ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*"):
            if found := sorted((cache / "ms-playwright").glob(pattern)):
                return str(found[-1])
    return None


def required() -> bool:
    """Whether a missing browser is a failure rather than something left out."""
    return os.environ.get("PALIGN_REQUIRE_BROWSER", "") not in ("", "0")
