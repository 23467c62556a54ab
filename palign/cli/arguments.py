"""What may be typed: every subcommand, option and range. Knows no service and runs nothing."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import get_args

from palign import __version__
from palign.cli import commands, doctor, memory
from palign.schema import Reason, Side

__all__ = ["build_parser"]

VOTES = ("personal", "generic", "tie", "both-bad", "up", "down")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; the parsed `run` is the function of the chosen subcommand."""
    parser = argparse.ArgumentParser(prog="palign", description="One question, two answers.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"palign {__version__}")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_chat(chosen)
    _add_feedback(chosen)
    _add_memory(chosen)
    _add_profile(chosen)
    checked = chosen.add_parser("doctor", help="versions, files and the store, checked")
    checked.set_defaults(run=doctor.examine)
    for name, run, words in (
        ("train", commands.train, "train the model and the heads"),
        ("eval", commands.evaluate, "measure the arms"),
        ("evaluate", commands.examine, "examine the embedded model"),
    ):
        # No character begins an option here: what follows belongs to the other parser, --help included.
        passing = chosen.add_parser(name, help=words, add_help=False, prefix_chars="\0")
        passing.add_argument("arguments", nargs="*")
        passing.set_defaults(run=run)
    return parser


_Subparsers = argparse._SubParsersAction  # the library has no public name for it


def _add_chat(chosen: _Subparsers[argparse.ArgumentParser]) -> None:
    chat = chosen.add_parser("chat", help="answer a question twice", allow_abbrev=False)
    chat.add_argument("question", metavar="QUESTION")
    chat.add_argument("--prefer", action="append", default=[], metavar="TEXT", help="state a preference in words")
    chat.add_argument("--user", metavar="ID", help="whose memory; without it a throwaway user, stored nowhere")
    chat.add_argument("--strength", type=number(0, 1), default=1.0, metavar="X", help="of what was learned, 0 to 1")
    chat.add_argument("--seed", type=whole(0, 2**63 - 1), default=0, metavar="N", help="of both answers (0)")
    chat.add_argument("--temperature", type=number(0, 5), default=0.6, metavar="X", help="0 is greedy (0.6)")
    chat.add_argument("--explore", choices=("on", "off"), default="off", help="try what is not known yet (off)")
    chat.add_argument("--max-new-tokens", type=whole(1, 2048), metavar="N", help="longest answer, in tokens")
    chat.add_argument("--json", action="store_true", help="one object, with the trace")
    chat.set_defaults(run=commands.chat)


def _add_feedback(chosen: _Subparsers[argparse.ArgumentParser]) -> None:
    feedback = chosen.add_parser("feedback", help="vote on a turn", allow_abbrev=False)
    feedback.add_argument("--user", required=True, metavar="ID")
    feedback.add_argument("--turn", required=True, metavar="T")
    feedback.add_argument("--vote", required=True, choices=VOTES, help="a pick, or a thumb on one answer")
    feedback.add_argument("--side", choices=get_args(Side), help="the answer a thumb is on (personal)")
    feedback.add_argument("--reason", choices=get_args(Reason), help="why the thumb is down")
    feedback.add_argument("--json", action="store_true")
    feedback.set_defaults(run=commands.feedback, usage_error=feedback.error)


def _add_memory(chosen: _Subparsers[argparse.ArgumentParser]) -> None:
    room = chosen.add_parser("memory", help="what is stored of a user", allow_abbrev=False)
    actions = room.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, run: Callable[..., int], words: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=words, allow_abbrev=False)
        action.add_argument("--user", required=True, metavar="ID")
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, usage_error=action.error)
        return action

    add("list", memory.list_, "all memories, oldest first")
    add("add", memory.add, "state something in plain words").add_argument("text", metavar="TEXT")
    add("delete", memory.delete, "delete a memory and what it taught, or one vote").add_argument(
        "entry_id", metavar="ID", help="of a memory in `memory list`, or of an event in `palign profile`"
    )
    for name, run, words in (
        ("pause", memory.pause, "take a memory out of use"),
        ("pin", memory.pin, "use a memory whatever the question"),
    ):
        action = add(name, run, words)
        action.add_argument("memory_id", metavar="MEMORY")
        action.add_argument("--off", action="store_true", help="the other way round")
    add("export", memory.export, "print all memories and events as JSON")
    add("import", memory.import_, "add an export to this user").add_argument("file", metavar="FILE", help="- is stdin")
    add("forget", memory.forget, "erase everything").add_argument("--yes", action="store_true", help="do not ask")


def _add_profile(chosen: _Subparsers[argparse.ArgumentParser]) -> None:
    profile = chosen.add_parser("profile", help="what is believed of a user", allow_abbrev=False)
    profile.add_argument("--user", required=True, metavar="ID")
    profile.add_argument("--json", action="store_true")
    profile.set_defaults(run=commands.profile)


def number(low: float, high: float) -> Callable[[str], float]:
    """A reader of numbers from `low` to `high`; NaN is none."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:  # false for NaN
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {low:g} to {high:g}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {low} to {high}")
        return value

    return read
