"""README, Spacefile, requirements and the tracked files, held to the code: nothing missing, and nothing left over."""

from __future__ import annotations

import re
import shlex
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import pytest
import readme_parts
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from readme_parts import PARTS, ROOT, env_name, is_path, part

import palign
from palign.config import Settings

TOP_LEVEL = {
    ".ci", ".gitattributes", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "Spacefile", "app.py",
    "assets", "docs", "palign", "pyproject.toml", "requirements-dev.txt", "requirements.txt", "tests",
}  # fmt: skip
LITTER = re.compile(
    r"(^|/)(__pycache__|\.DS_Store|Thumbs\.db|\.ipynb_checkpoints|utils(\.py)?)(/|$)|\.(pyc|swp|orig|rej)$"
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def front_matter() -> dict[str, object]:
    _, block, _ = read("README.md").split("---\n", 2)
    return yaml.safe_load(block)


@cache
def requirements() -> dict[str, str]:
    """Version specifiers by package."""
    lines = [line.split("#")[0].strip() for line in read("requirements.txt").splitlines()]
    matches = [re.fullmatch(r"([A-Za-z][\w.-]*)(.*)", line) for line in lines if line]
    assert all(matches), lines
    return {match[1]: match[2].strip() for match in matches if match}


@cache
def tracked() -> tuple[str, ...]:
    """Paths that git tracks, or would: new ones it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


# Requirements


def test_every_requirement_has_a_lower_and_an_upper_bound():
    for name, bounds in requirements().items():
        assert "==" in bounds or (">=" in bounds and "<" in bounds.replace(">=", "")), f"{name}{bounds}"


def test_make_resolve_asks_for_what_a_space_installs():
    assert f"gradio[oauth,mcp]=={front_matter()['sdk_version']}" in read("Makefile")


# Front matter

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
FRONT_MATTER = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "short_description",
    "suggested_hardware", "startup_duration_timeout", "header", "fullWidth", "tags", "license", "models",
    "preload_from_hub", "hf_oauth", "datasets", "pinned", "thumbnail",
}  # fmt: skip


def test_front_matter_equals_the_pins():
    assert f"=={front_matter()['sdk_version']}" == requirements()["gradio"]
    assert front_matter()["sdk"] == "gradio"
    assert front_matter()["title"] == palign.__name__
    assert front_matter()["license"] == "apache-2.0"
    assert isinstance(front_matter()["python_version"], str), "unquoted, 3.10 would read as 3.1"
    assert float(str(front_matter()["python_version"]).split(".")[1]) >= 11


def test_front_matter_is_what_a_space_accepts():
    assert set(front_matter()) <= FRONT_MATTER
    assert {front_matter()["colorFrom"], front_matter()["colorTo"]} <= COLOURS
    assert len(str(front_matter()["short_description"])) <= 60


def test_the_space_starts_the_file_that_the_makefile_starts():
    assert (ROOT / str(front_matter()["app_file"])).exists()
    assert f"$(PY) {front_matter()['app_file']}" in read("Makefile")


# Spacefile


class Strict(BaseModel):
    """An unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Env(Strict):
    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    description: str = ""
    default: str = ""


class Presets(Strict):
    env: list[Env] = []
    api_keys: bool = False


class Micro(Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    src: str
    engine: Literal["static", "react", "svelte", "vue", "next", "nuxt", "svelte-kit", "python3.8", "python3.9",
                    "nodejs14", "nodejs16", "custom"]  # fmt: skip
    primary: bool = False
    path: str | None = None
    commands: list[str] = []
    include: list[str] = []
    run: str | None = None
    dev: str | None = None
    serve: str | None = None
    public_routes: list[Annotated[str, Field(pattern="^/")]] = []
    provide_actions: bool = False
    presets: Presets = Presets()


class Spacefile(Strict):
    """Version 0 of the format, written down from its public reference."""

    v: Literal[0]
    app_name: Annotated[str, Field(max_length=12)] | None = None
    icon: str | None = None
    micros: Annotated[list[Micro], Field(min_length=1, max_length=5)]


@cache
def spacefile() -> Spacefile:
    return Spacefile.model_validate(yaml.safe_load(read("Spacefile")))


def test_the_spacefile_is_valid_and_an_unknown_key_is_not():
    document = yaml.safe_load(read("Spacefile"))
    assert spacefile().micros
    for breach in ({**document, "hardware": "cpu"}, {**document, "v": 1}, {**document, "micros": []}):
        with pytest.raises(ValidationError):
            Spacefile.model_validate(breach)


def test_the_spacefile_says_what_ignores_it():
    header = " ".join(line.removeprefix("# ") for line in read("Spacefile").splitlines() if line.startswith("#"))
    assert "Hugging Face ignores this file" in header


def test_the_spacefile_lists_exactly_the_settings():
    declared = [
        (env_name(name), entry.description, "" if is_path(entry.default) else str(entry.default))
        for name, entry in Settings.model_fields.items()
    ]
    assert [(env.name, env.description, env.default) for env in spacefile().micros[0].presets.env] == declared


def test_the_spacefile_runs_the_readmes_app_file_and_includes_it():
    (micro,) = spacefile().micros
    assert micro.run == f"python {front_matter()['app_file']}"
    assert [name for name in micro.include if not (ROOT / name).exists()] == []
    assert front_matter()["app_file"] in micro.include


def test_the_icon_is_a_png_of_512_by_512():
    icon = (ROOT / str(spacefile().icon)).read_bytes()
    assert icon.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", icon[16:24]) == (512, 512)


# README


@pytest.mark.parametrize("name", PARTS)
def test_generated_parts_of_the_readme_are_current(name):
    assert part(read("README.md"), name) == PARTS[name](), "run `make readme`"


def test_writing_the_parts_twice_changes_nothing():
    once = readme_parts.with_part(read("README.md"), "settings", "| a |")
    assert part(once, "settings") == "| a |"
    assert readme_parts.with_part(once, "settings", "| a |") == once


def test_the_readme_names_no_setting_that_is_gone():
    known = {env_name(name) for name in Settings.model_fields} | {"PALIGN_REQUIRE_BROWSER"}
    assert set(re.findall(r"PALIGN_[A-Z_]+", read("README.md"))) == known


def test_every_link_and_image_of_the_readme_is_there():
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", read("README.md"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@cache
def help_text(*words: str) -> str:
    command = [sys.executable, "-m", "palign", *words, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def subcommands(*words: str) -> list[str]:
    """Names that a command's help lists under COMMAND or ACTION."""
    match = re.search(r"^  (?:COMMAND|ACTION)\n((?:    .*\n)+)", help_text(*words), flags=re.MULTILINE)
    return re.findall(r"^    ([a-z]+)\b", match[1], flags=re.MULTILINE) if match else []


def commands_of_the_readme() -> list[list[str]]:
    """Every `palign ...` line of the README's code blocks, as words after `palign`."""
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", read("README.md"), flags=re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    found = [re.search(r"(?:-m|bin/)\s*palign\s+(.*)", line) for line in lines]
    return [shlex.split(match[1], comments=True) for match in found if match]


def test_every_command_is_in_the_readme_and_none_is_made_up():
    shown = {words[0] for words in commands_of_the_readme()}
    assert shown == set(subcommands())
    named = re.search(r"^`memory` has ([^.]*)\.", read("README.md"), flags=re.MULTILINE)
    assert named is not None
    assert re.findall(r"`(\w+)`", named[1]) == subcommands("memory")


def test_every_option_the_readme_shows_exists():
    for words in commands_of_the_readme():
        nested = words[:2] if len(words) > 1 and words[1] in subcommands(words[0]) else words[:1]
        text = help_text(*nested)
        missing = [word for word in words if word.startswith("--") and word not in text]
        assert missing == [], f"palign {' '.join(words)}"


def test_every_make_target_the_readme_shows_exists():
    shown = set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z]+)", read("README.md"), flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))
    assert {"run", "test"} <= shown <= targets


# Releases and CI


def test_the_changelog_names_this_version():
    assert f"## [{palign.__version__}]" in read("CHANGELOG.md")


def test_ci_runs_lint_and_the_readmes_test_command():
    script = read(".ci/run")
    assert re.search(r"^[^#\n]*make lint\b", script, flags=re.MULTILINE)
    assert re.search(r"^[^#\n]*make test\b", script, flags=re.MULTILINE)
    assert "set -euo pipefail" in script


# The tree


def test_top_level_names_are_the_known_ones():
    assert {name.split("/")[0] for name in tracked()} <= TOP_LEVEL


def test_no_litter_is_tracked():
    assert [name for name in tracked() if LITTER.search(name)] == []


def private_places() -> re.Pattern[str]:
    """Places of the machine the tests run on, home folders, and hosts that packages are fetched from."""
    places = [place for place in (ROOT, Path.home(), Path(sys.prefix)) if place != Path(place.anchor)]
    here = [re.escape(str(place)) + r"(?![\w-])" for place in places]
    hosts = [r"pypi\." + "org", "python" + r"hosted\.org", r"registry\." + r"npm", r"deb\." + r"debian\.org"]
    return re.compile("|".join([*here, r"/(?:home|Users)/(?!you\b)\w+/", *hosts]))


def texts() -> list[tuple[str, str]]:
    """Tracked text files; a binary one does not decode."""
    found = []
    for name in tracked():
        try:
            found.append((name, (ROOT / name).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_place_of_a_machine_or_a_package_host():
    pattern = private_places()
    assert pattern.search(f"see {ROOT}/app.py")
    hits = [f"{name}: {match[0]}" for name, text in texts() if (match := pattern.search(text))]
    assert hits == []


def test_source_files_stay_below_five_hundred_lines():
    long = [name for name, text in texts() if name.endswith(".py") and text.count("\n") >= 500]
    assert long == []
