"""The command line: arguments in, answers and what is stored out. Holds no logic of its own."""

from __future__ import annotations

from palign.cli.entry import main

__all__ = ["main"]
