"""Runs one command and turns its outcome into an exit code: 0, 1 for what a person can mend, 2 for bad usage."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence

from palign.cli.arguments import build_parser
from palign.cli.output import printable
from palign.config import Settings, load_settings
from palign.schema import PalignError

__all__ = ["main"]

INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv`, or the process's own arguments; returns the exit code.

    Raises:
        SystemExit: with code 2 for bad usage, 0 for --help and --version.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an answer must not fail for a terminal's alphabet
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except PalignError as error:
        sys.stderr.write(f"palign: {printable(' '.join(str(error).split()))}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; the interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv: list[str]) -> int:
    arguments = build_parser().parse_args(argv)
    settings = load_settings()
    _log_to_stderr(settings, progress=arguments.command in ("train", "eval"))
    code = int(arguments.run(arguments, settings))
    sys.stdout.flush()
    return code


def _log_to_stderr(settings: Settings, *, progress: bool) -> None:
    """Only warnings where answers are read, unless PALIGN_LOG_LEVEL asks for another level."""
    chosen = progress or "log_level" in settings.model_fields_set
    logging.basicConfig(level=settings.log_level if chosen else "WARNING", stream=sys.stderr)
