"""Reads a package's syntax trees and reports every import that a table of rules does not allow. Runs none of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DYNAMIC = frozenset({"import_module", "__import__"})


@dataclass(frozen=True)
class Table:
    """What may import what.

    Attributes:
        rooms: by room, the rooms it may import; `app` and `__main__` are rooms here.
        owners: by third-party package, the rooms that may import it; one that is not named is free.
        declared: every third-party package that may be imported at all; None leaves them unchecked.
        forbidden: by prefix of a dotted module, rooms it may not import although its own room may.
        eager: by room, all that it may import before a function of it is called.
    """

    rooms: Mapping[str, frozenset[str]]
    owners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    declared: frozenset[str] | None = None
    forbidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    eager: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Module:
    """A file and the dotted name it is imported by."""

    path: Path
    name: str

    @property
    def room(self) -> str:
        """The part of the package it belongs to; empty for the package's own `__init__`."""
        parts = self.name.split(".")
        return parts[0] if len(parts) == 1 and self.path.name != "__init__.py" else (*parts, "")[1]

    @property
    def package(self) -> list[str]:
        """Parts of the package that relative imports start from."""
        parts = self.name.split(".")
        return parts if self.path.name == "__init__.py" else parts[:-1]


@dataclass(frozen=True)
class Import:
    """One name a module imports; `lazy` inside a function or under TYPE_CHECKING."""

    line: int
    target: str
    lazy: bool


def check(root: Path, table: Table, *, package: str = "palign") -> list[str]:
    """Every breach in `root`/`package` and `root`/app.py, as sentences; an empty list is a pass."""
    modules = list(find_modules(root, package))
    known = {module.room for module in modules} | set(table.rooms)
    problems = [*_check_table(table), *_check_match(modules, table)]
    for module in modules:
        for found in read_imports(module):
            if reason := _judge(module, found, table, known, package):
                problems.append(f"{module.path.relative_to(root)}:{found.line} {reason}")
    return list(dict.fromkeys(problems))  # one line may name two things of the same room


def find_modules(root: Path, package: str) -> Iterator[Module]:
    """Every source file of the package, and the composition root beside it."""
    if (app := root / "app.py").exists():
        yield Module(app, "app")
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield Module(path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def read_imports(module: Module) -> Iterator[Import]:
    """All imports of a file, wherever they stand; a dynamic import has the target `(dynamic)`."""
    yield from _walk(ast.parse(module.path.read_text(encoding="utf-8")), module, lazy=False)


def _walk(node: ast.AST, module: Module, *, lazy: bool) -> Iterator[Import]:
    for target in _targets(node, module):
        yield Import(getattr(node, "lineno", 0), target, lazy)
    deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        guarded = isinstance(node, ast.If) and _is_type_checking(node.test) and child in node.body
        yield from _walk(child, module, lazy=lazy or deferred or guarded)


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _targets(node: ast.AST, module: Module) -> list[str]:
    """Dotted names a single node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _base(node, module)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        return ["(dynamic)"] if name in DYNAMIC else []
    return []


def _base(node: ast.ImportFrom, module: Module) -> str:
    """The module that `from ... import` names, resolved from the importing file's own package."""
    if node.level == 0:
        return node.module or ""
    start = module.package[: len(module.package) - node.level + 1]
    return ".".join([*start, *([node.module] if node.module else [])]) or "(outside)"


def _judge(module: Module, found: Import, table: Table, known: set[str], package: str) -> str | None:
    """Why an import is not allowed, or None."""
    parts = found.target.split(".")
    if parts[0] == "(dynamic)":
        return "imports dynamically, which no rule can see"
    if parts[0] == "(outside)":
        return "imports from outside the package by a relative path"
    if parts[0] in (package, "app"):
        return _judge_room(module, found, parts, table, known)
    return _judge_third_party(module, parts[0], table)


def _judge_room(module: Module, found: Import, parts: list[str], table: Table, known: set[str]) -> str | None:
    target = parts[0] if parts[0] == "app" else (*parts, "")[1]
    if target in ("", "*"):
        return f"imports {parts[0]} whole; name the room"
    if target not in known or target == module.room:
        return None  # a name of the package's __init__, or a file of the same room
    if target not in table.rooms.get(module.room, frozenset()):
        return f"{module.room or parts[0]} may not import {target}"
    for prefix, rooms in table.forbidden.items():
        if module.name.startswith(prefix) and target in rooms:
            return f"{module.name} may not import {target}"
    if not found.lazy and target not in table.eager.get(module.room, table.rooms[module.room]):
        return f"{module.room} may import {target} only inside a function"
    return None


def _judge_third_party(module: Module, name: str, table: Table) -> str | None:
    if name in sys.stdlib_module_names:
        return None
    if name in table.owners and module.room not in table.owners[name]:
        return f"{module.room} may not import {name}; its owners are {', '.join(sorted(table.owners[name]))}"
    if table.declared is not None and name not in table.declared:
        return f"imports {name}, which requirements.txt does not name"
    return None


def _check_match(modules: list[Module], table: Table) -> Iterator[str]:
    """Modules without a rule, and rules without a module."""
    rooms = {module.room for module in modules} - {""}
    yield from (f"{room}: a module with no rule" for room in sorted(rooms - set(table.rooms)))
    yield from (f"{room}: a rule with no module" for room in sorted(set(table.rooms) - rooms))
    for prefix in table.forbidden:
        if not any(module.name.startswith(prefix) for module in modules):
            yield f"{prefix}: a rule with no module"


def _check_table(table: Table) -> Iterator[str]:
    """Rooms the table names without a rule, and cycles."""
    named = frozenset().union(*table.rooms.values(), *table.owners.values(), *table.forbidden.values())
    yield from (f"{room}: named in a rule, has none" for room in sorted(named - set(table.rooms)))
    if cycle := _find_cycle(table.rooms):
        yield f"a cycle in the table: {' -> '.join(cycle)}"


def _find_cycle(rooms: Mapping[str, frozenset[str]]) -> list[str] | None:
    """One cycle, first room repeated at its end."""
    done: set[str] = set()

    def visit(room: str, trail: list[str]) -> list[str] | None:
        if room in trail:
            return [*trail[trail.index(room) :], room]
        if room in done:
            return None
        for target in sorted(rooms.get(room, frozenset())):
            if cycle := visit(target, [*trail, room]):
                return cycle
        done.add(room)
        return None

    return next((cycle for room in sorted(rooms) if (cycle := visit(room, []))), None)
