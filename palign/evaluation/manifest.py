"""What a result was measured with: commit, model, configuration, hardware. Knows no figure and names no path."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palign.chat import Status


__all__ = ["manifest"]

_LIBRARIES = ("torch", "transformers", "sentence-transformers", "scikit-learn", "numpy")
_REPOSITORY = Path(__file__).resolve().parents[2]


def manifest(status: Status, command: str, configuration: Mapping[str, object], seconds: float) -> dict[str, object]:
    """Everything needed to repeat a run, as plain values for JSON.

    `configuration` holds what the run chose; `seconds` is its wall-clock time.
    """
    return {
        "commit": _commit(),
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "model": status.model,
        "model_sha256": status.model_sha256,
        "heads_sha256": status.heads_sha256,
        "parameters": status.parameters,
        "configuration": dict(configuration),
        "hardware": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "seconds": round(seconds, 1),
    }


def _commit() -> str:
    """The commit of the source tree, with `+` when files differ from it; `unknown` outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    described = subprocess.run(
        [git, "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
