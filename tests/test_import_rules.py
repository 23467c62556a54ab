"""The checker of import rules, held to every violation it must see: each is planted in a tree of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from import_rules import Table, check

TABLE = Table(
    rooms={
        "schema": frozenset(),
        "models": frozenset({"schema"}),
        "chat": frozenset({"schema", "models"}),
        "ui": frozenset({"chat", "schema"}),
        "cli": frozenset({"chat", "schema", "ui"}),
        "app": frozenset({"chat", "ui"}),
    },
    owners={"torch": frozenset({"models"}), "gradio": frozenset({"ui"})},
    declared=frozenset({"torch", "gradio", "numpy"}),
    forbidden={"palign.ui.judge": frozenset({"chat"})},
    eager={"cli": frozenset({"schema"})},
)

CLEAN = {
    "app.py": "from palign import __version__\nfrom palign.ui import screen\nimport os\n",
    "palign/__init__.py": '__version__ = "0"\n',
    "palign/schema.py": "import json\n",
    "palign/models.py": "import torch.nn\nimport numpy as np\nfrom palign.schema import Message\n",
    "palign/chat.py": "from palign import models, schema\n",
    "palign/ui/__init__.py": "from .screen import build\n",
    "palign/ui/screen.py": "import gradio as gr\nfrom palign.chat import ChatService\nfrom . import judge\n",
    "palign/ui/judge.py": "from ..schema import Message\n",
    "palign/cli.py": (
        "from typing import TYPE_CHECKING\nfrom palign.schema import X\n"
        "if TYPE_CHECKING:\n    from palign.ui import Y\ndef main():\n    from palign import chat\n"
    ),
}


@pytest.fixture
def plant(tmp_path):
    """Write the clean tree with some files replaced or added, and check it."""

    def run(files=(), *, table=TABLE, remove=()):
        for name, text in {**CLEAN, **dict(files)}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name in remove:
            (tmp_path / name).unlink()
        return check(tmp_path, table)

    return run


def test_a_clean_tree_has_no_problems(plant):
    assert plant() == []


VIOLATIONS = {
    "absolute": ("palign/schema.py", "import palign.chat\n", "schema may not import chat"),
    "from a module": ("palign/schema.py", "from palign.chat import X\n", "schema may not import chat"),
    "from the package": ("palign/models.py", "from palign import ui\n", "models may not import ui"),
    "renamed": ("palign/models.py", "from palign import ui as u\n", "models may not import ui"),
    "second of a line": ("palign/models.py", "from palign import schema, ui\n", "models may not import ui"),
    "inside a function": ("palign/models.py", "def f():\n    from palign.ui import X\n", "models may not import ui"),
    "inside a method": (
        "palign/models.py",
        "class A:\n    async def f(self):\n        import palign.ui.screen\n",
        "models may not import ui",
    ),
    "under TYPE_CHECKING": (
        "palign/models.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from palign.ui import X\n",
        "models may not import ui",
    ),
    "in a try": (
        "palign/models.py",
        "try:\n    import palign.ui\nexcept ImportError:\n    pass\n",
        "models may not import ui",
    ),
    "relative": ("palign/models.py", "from .chat import X\n", "models may not import chat"),
    "relative, bare": ("palign/models.py", "from . import chat\n", "models may not import chat"),
    "relative from a nested file": ("palign/ui/screen.py", "from ..models import X\n", "ui may not import models"),
    "relative from a package's init": ("palign/ui/__init__.py", "from .. import models\n", "ui may not import models"),
    "relative, out of the package": ("palign/chat.py", "from ... import x\n", "by a relative path"),
    "nested file": ("palign/ui/deep/er.py", "from palign.models import X\n", "ui may not import models"),
    "a file under a forbidden prefix": ("palign/ui/judge.py", "from palign.chat import X\n", "may not import chat"),
    "a package under a forbidden prefix": ("palign/ui/judges/a.py", "from palign import chat\n", "may not import chat"),
    "the package's init": ("palign/__init__.py", "from palign import schema\n", "palign may not import schema"),
    "the composition root": ("app.py", "from palign import models\n", "app may not import models"),
    "importing the composition root": ("palign/chat.py", "import app\n", "chat may not import app"),
    "too early": ("palign/cli.py", "from palign.chat import X\n", "cli may import chat only inside a function"),
    "too early, in the else of TYPE_CHECKING": (
        "palign/cli.py",
        "if TYPE_CHECKING:\n    pass\nelse:\n    from palign import chat\n",
        "only inside a function",
    ),
    "the package whole": ("palign/chat.py", "import palign\n", "imports palign whole"),
    "a star": ("palign/chat.py", "from palign import *\n", "imports palign whole"),
    "third party": ("palign/chat.py", "import torch\n", "chat may not import torch"),
    "third party, below": ("palign/chat.py", "from torch.nn import functional\n", "chat may not import torch"),
    "third party in the root": ("app.py", "import gradio\n", "app may not import gradio"),
    "undeclared": ("palign/chat.py", "import pandas\n", "pandas, which requirements.txt does not name"),
    "import_module": (
        "palign/chat.py",
        "import importlib\nimportlib.import_module('palign.ui')\n",
        "imports dynamically",
    ),
    "__import__": ("palign/chat.py", "__import__('palign.ui')\n", "imports dynamically"),
}


@pytest.mark.parametrize(("path", "text", "reason"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_each_planted_violation_is_reported_with_its_place(plant, path, text, reason):
    problems = plant({path: text})
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{path}:")
    assert reason in problems[0]


def test_a_module_with_no_rule_is_reported(plant):
    assert plant({"palign/extra.py": ""}) == ["extra: a module with no rule"]
    assert plant({"palign/extra.py": "", "palign/more/a.py": ""})[1] == "more: a module with no rule"


def test_importing_a_module_with_no_rule_is_reported_too(plant):
    assert any("chat may not import extra" in problem for problem in plant({
        "palign/extra.py": "", "palign/chat.py": "from palign import extra\n",
    }))  # fmt: skip


def test_a_rule_with_no_module_is_reported(plant):
    assert plant(remove=["palign/models.py"]) == ["models: a rule with no module"]


def test_a_prefix_with_no_module_is_reported(plant):
    table = replace(TABLE, forbidden={"palign.ui.jury": frozenset({"chat"})})
    assert plant(table=table) == ["palign.ui.jury: a rule with no module"]


def test_a_cycle_in_the_table_is_reported(plant):
    table = replace(TABLE, rooms={**TABLE.rooms, "schema": frozenset({"chat"})})
    assert plant(table=table) == ["a cycle in the table: chat -> models -> schema -> chat"]


def test_a_rule_that_names_no_room_is_reported(plant):
    table = replace(TABLE, rooms={**TABLE.rooms, "chat": frozenset({"schema", "models", "shcema"})})
    assert plant(table=table) == ["shcema: named in a rule, has none"]
