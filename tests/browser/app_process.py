"""Runs the real app in a process of its own, on a free port and a data folder of its own. Knows no browser."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 60.0
ENDS_WITHIN = 20.0


class AppFailedError(AssertionError):
    """The app ended or never answered; holds what it wrote."""


@dataclass(frozen=True)
class App:
    """A running app."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def environment(data: Path, port: int, **settings: str) -> dict[str, str]:
    """What the app is started with: its own data and port, and no setting from outside but the model's folder."""
    foreign = ("PALIGN_", "GRADIO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign) or name == "PALIGN_MODEL"}
    return {**kept, "PALIGN_DATA": str(data), "PORT": str(port), "PYTHONUNBUFFERED": "1", **settings}


@contextlib.contextmanager
def running_app(folder: Path, **settings: str) -> Iterator[App]:
    """Start the app, wait until it answers, and end it: politely, then not.

    Raises:
        AppFailedError: it ended early or did not answer in time.
    """
    port, log = free_port(), folder / "app.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=environment(folder / "data", port, **settings),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    app = App(f"http://127.0.0.1:{port}/", process, log)
    try:
        _wait(app)
        yield app
    finally:
        _end(process)


@contextlib.contextmanager
def slowed(process: subprocess.Popen[bytes], *, share: float = 0.15) -> Iterator[None]:
    """Let a process run for only a share of the time, as on a slow machine, so that its answer can be interrupted."""
    ended = threading.Event()

    def throttle() -> None:
        while not ended.is_set():
            process.send_signal(signal.SIGSTOP)
            ended.wait(0.1 * (1 - share))
            process.send_signal(signal.SIGCONT)
            ended.wait(0.1 * share)

    thread = threading.Thread(target=throttle)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        process.send_signal(signal.SIGCONT)


def _wait(app: App) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            raise AppFailedError(f"The app ended with {app.process.returncode}:\n{app.output()}")
        try:
            with urllib.request.urlopen(app.address + "config", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise AppFailedError(f"The app did not answer within {STARTS_WITHIN:g} s:\n{app.output()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
