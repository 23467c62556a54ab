"""The subcommand doctor: what is installed, whether the files are whole, and how the store is."""

from __future__ import annotations

import platform
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from palign import __version__
from palign.cli.output import printable
from palign.config import Settings
from palign.schema import AssetError, PalignError

__all__ = ["examine"]

PACKAGES = ("torch", "transformers", "sentence-transformers", "chromadb", "gradio")


def examine(_: Namespace, settings: Settings) -> int:
    """Print one line per part; a part in trouble says what to do, and makes the exit code 1."""
    _say("palign", __version__)
    _say("python", platform.python_version())
    for package in PACKAGES:
        _say(package, _installed(package))
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("model", _model), ("encoder", _encoder), ("store", _store),
    )  # fmt: skip
    return max(int(not _passes(name, check, settings)) for name, check in checks)


def _say(name: str, text: str) -> None:
    print(f"{name:<22} {printable(text)}")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _passes(name: str, check: Callable[[Settings], str], settings: Settings) -> bool:
    try:
        _say(name, check(settings))
    except PalignError as error:
        sys.stdout.flush()
        sys.stderr.write(f"palign: {name}: {printable(' '.join(str(error).split()))}\n")
        return False
    return True


def _model(settings: Settings) -> str:
    from palign.models.language import check_hashes, file_sha256

    folder = Path(settings.model)
    hashes = check_hashes(folder)
    compared = f"{len(hashes)} files as listed" if hashes else "no list of hashes, so nothing was compared"
    weights = {path.name: hashes.get(path.name) or file_sha256(path) for path in sorted(folder.glob("*.safetensors"))}
    if not weights:
        raise AssetError(f"There are no weights in {folder}.", path=str(folder), hint="Set PALIGN_MODEL to a model.")
    return "\n  ".join([f"{folder}: {compared}", *(f"{name:<20} sha256 {weights[name]}" for name in weights)])


def _encoder(_: Settings) -> str:
    from palign.models.encoder import TextEncoder

    encoder = TextEncoder.load()
    return f"{encoder.name} sha256 {encoder.sha256}"


def _store(settings: Settings) -> str:
    from palign.memory import PreferenceMemory
    from palign.models.encoder import TextEncoder

    if not settings.data.exists():
        return f"{settings.data}: nothing stored yet"
    with PreferenceMemory.open(settings.data, TextEncoder.load()) as store:
        state = store.state()
    index = "index ready" if state.index_ready else "index being rebuilt"
    return (
        f"{settings.data}: {state.users} users, {state.memories} memories, {state.events} events, "
        f"{state.turns} turns, {index}"
    )
