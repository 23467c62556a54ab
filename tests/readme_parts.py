"""Writes the README's generated parts from the code, between markers. `make readme` runs it; test_docs.py compares."""

from __future__ import annotations

import re
from pathlib import Path

from palign.config import ASSETS, Settings
from palign.dimensions import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def shown_default(value: object) -> str:
    """A default as a reader sees it, the same on every machine: relative to the checkout, or to the home folder."""
    text = str(value)
    for folder, sign in ((ASSETS.parent, ""), (Path.home(), "~/")):
        if text.startswith(f"{folder}/"):
            return sign + text.removeprefix(f"{folder}/")
    return text


def is_path(value: object) -> bool:
    """Whether a default is a place on this machine, so that it is computed and not declared."""
    return str(value).startswith("/")


def settings_table() -> str:
    """The settings, with the defaults and descriptions of their fields."""
    rows = [
        f"| `{env_name(name)}` | `{shown_default(entry.default)}` | {entry.description} |"
        for name, entry in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def dimensions_table() -> str:
    """The catalogue of preference dimensions."""
    rows = [f"| {entry.name} | {entry.negative} | {entry.description} |" for entry in CATALOGUE.values()]
    return "\n".join(["| towards | away | meaning |", "|---|---|---|", *rows])


def env_name(field: str) -> str:
    """The environment variable of a settings field."""
    return f"{Settings.model_config['env_prefix']}{field.upper()}"


PARTS = {"settings": settings_table, "dimensions": dimensions_table}


def part(text: str, name: str) -> str:
    """What stands between a part's markers."""
    match = re.search(rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", text, flags=re.DOTALL)
    if match is None:
        raise LookupError(f"README.md has no part '{name}'.")
    return match[1].strip("\n")


def with_part(text: str, name: str, body: str) -> str:
    """The text with a part replaced."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    return text.replace(text[text.index(begin) : text.index(end)], f"{begin}\n{body}\n")


def main() -> None:
    text = README.read_text(encoding="utf-8")
    for name, build in PARTS.items():
        text = with_part(text, name, build())
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
