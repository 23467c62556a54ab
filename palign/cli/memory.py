"""The subcommand memory: what is stored of one user, listed, changed, carried elsewhere and erased."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from palign.cli.output import printable, to_json
from palign.config import Settings
from palign.schema import ConfigError, InvalidTextError, Memory, UnknownMemoryError

if TYPE_CHECKING:
    from palign.chat import ChatService

__all__ = ["add", "delete", "export", "forget", "import_", "list_", "pause", "pin", "say_unless_known"]


def list_(arguments: Namespace, settings: Settings) -> int:
    """Print all memories, oldest first."""
    from palign.compose import build_service

    with build_service(settings) as service:
        memories = service.memories(arguments.user)
        say_unless_known(service, arguments.user)
    if arguments.json:
        print(to_json(memories))
    else:
        for memory in memories:
            print(_line(memory))
    return 0


def say_unless_known(service: ChatService, user_id: str) -> bool:
    """Whether the user has a memory or a vote; where not, a line on stderr, as a mistyped name looks like a new one."""
    known = bool(service.memories(user_id) or service.profile(user_id).events)
    if not known:
        sys.stderr.write(printable(f"No memory and no vote is stored for '{user_id}'; check --user.\n"))
    return known


def _line(memory: Memory) -> str:
    marks = [mark for mark, present in (("pinned", memory.pinned), ("paused", memory.paused)) if present]
    about = ", ".join([memory.kind, *marks])
    return printable(f"{memory.id}  {' '.join(memory.text.split())}  ({about})")


def add(arguments: Namespace, settings: Settings) -> int:
    """State something in plain words."""
    from palign.compose import build_service

    with build_service(settings) as service:
        statements = service.state(arguments.user, arguments.text)
    if arguments.json:
        print(to_json(statements))
    else:
        for statement in statements:
            print(_line(statement.memory))
    return 0


def delete(arguments: Namespace, settings: Settings) -> int:
    """Delete one memory and what it taught, or one event."""
    from palign.compose import build_service

    with build_service(settings) as service:
        try:
            service.delete_memory(arguments.user, arguments.entry_id)
        except UnknownMemoryError:
            service.undo(arguments.user, arguments.entry_id)
    print(to_json({"deleted": arguments.entry_id}) if arguments.json else "Deleted.")
    return 0


def pause(arguments: Namespace, settings: Settings) -> int:
    """Take a memory out of use, or back with --off."""
    from palign.compose import build_service

    with build_service(settings) as service:
        memory = service.pause_memory(arguments.user, arguments.memory_id, paused=not arguments.off)
    print(to_json(memory) if arguments.json else _line(memory))
    return 0


def pin(arguments: Namespace, settings: Settings) -> int:
    """Use a memory whatever the question, or only where it fits with --off."""
    from palign.compose import build_service

    with build_service(settings) as service:
        memory = service.pin_memory(arguments.user, arguments.memory_id, pinned=not arguments.off)
    print(to_json(memory) if arguments.json else _line(memory))
    return 0


def export(arguments: Namespace, settings: Settings) -> int:
    """Print everything as canonical JSON, byte for byte what the service gives."""
    from palign.compose import build_service

    with build_service(settings) as service:
        say_unless_known(service, arguments.user)
        document = service.export(arguments.user)
    sys.stdout.buffer.write(document.encode("utf-8") + b"\n")
    return 0


def import_(arguments: Namespace, settings: Settings) -> int:
    """Add an export to this user."""
    document = _read(arguments.file)  # before the service is built: a wrong path should be told at once
    from palign.compose import build_service

    with build_service(settings) as service:
        added = service.import_(arguments.user, document)
    print(to_json({"added": added}) if arguments.json else f"{added} new entries.")
    return 0


def _read(name: str) -> str:
    try:
        return (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}.", hint="Name a file made by export.") from error
    except UnicodeDecodeError as error:
        raise InvalidTextError(f"{name} is not text.", hint="Name a file made by `palign memory export`.") from error


def forget(arguments: Namespace, settings: Settings) -> int:
    """Erase everything of a user, after asking on a terminal."""
    if not arguments.yes:
        if not sys.stdin.isatty():
            arguments.usage_error("forget erases everything and cannot ask here: add --yes")
        if not _confirmed(arguments.user):
            print("Nothing was erased.")
            return 0
    from palign.compose import build_service

    with build_service(settings) as service:
        known = say_unless_known(service, arguments.user)
        service.forget(arguments.user)  # also then: there may be answers on which nobody voted
    if arguments.json:
        print(to_json({"forgotten": arguments.user}))
    elif known:
        print("Everything was erased.")
    return 0


def _confirmed(user: str) -> bool:
    sys.stderr.write(printable(f"Erase everything stored for {user}? Type yes to go on: "))
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() == "yes"
