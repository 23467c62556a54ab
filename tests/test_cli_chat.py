"""Laws of the command line on the shipped model, the real store and the real encoder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from palign.cli import main
from palign.memory import PreferenceMemory
from palign.memory.lock import FolderLock
from palign.models.encoder import TextEncoder
from palign.schema import MemoryStoreError

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "assets" / "model"
SHORT = ["--max-new-tokens", "8"]
GREEDY = ["--max-new-tokens", "100", "--temperature", "0"]
QUESTION = "How do I keep my houseplants alive?"


@pytest.fixture
def data() -> Path:
    """The folder this test's memories are kept in; made by the first write."""
    return Path(os.environ["PALIGN_DATA"])


@pytest.fixture
def run(capsys):
    """Run a command in this process; returns its code, what it printed, and what it complained of."""

    def go(*line: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(line)
        return (code, *capsys.readouterr())

    return go


@pytest.fixture
def asked(run):
    """Ask in JSON; returns the object."""

    def go(*line: str) -> dict:
        code, out, error = run("chat", *SHORT, *line, "--json")
        assert (code, error) == (0, "")
        return json.loads(out)

    return go


@pytest.fixture
def fails(run):
    """Run a command that must fail as one line on stderr with code 1; returns the line."""

    def go(*line: str) -> str:
        code, out, error = run(*line)
        assert (code, out) == (1, "")
        assert error.startswith("palign: ")
        assert error.count("\n") == 1
        assert "Traceback" not in error
        return error

    return go


def start(*line: str, **options) -> subprocess.Popen:
    """The same command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "palign", *line], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def asked_elsewhere(*line: str) -> dict:
    """Ask in JSON in a process of its own; returns the object."""
    asking = start("chat", *SHORT, *line, "--json")
    out, error = asking.communicate()
    assert (asking.returncode, error) == (0, b"")
    return json.loads(out)


def words_on_disk(folder: Path, words: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


# Answers


def test_both_answers_are_printed_and_nothing_else_is_said(run):
    code, out, error = run("chat", QUESTION, *SHORT)
    assert (code, error) == (0, "")
    assert out.startswith("Generic\n")
    assert "\nPersonal\n" in out


def test_the_same_seed_gives_the_same_object(asked):
    first, second = (asked(QUESTION, "--seed", "3") for _ in range(2))
    assert first | {"turn": ""} == second | {"turn": ""}
    assert (first["prompt"], first["seed"]) == (QUESTION, 3)


def test_zero_strength_and_nothing_stated_gives_the_generic_text(asked):
    answer = asked(QUESTION, "--strength", "0")
    assert answer["personal"]["text"] == answer["generic"]["text"]
    assert answer["personal"]["kl"] == 0


def test_a_preference_leaves_the_generic_answer_as_it_was(asked):
    assert asked(QUESTION, "--prefer", "very short answers")["generic"] == asked(QUESTION)["generic"]


def test_a_stated_preference_is_weighed_and_named(asked):
    personal = asked(QUESTION, "--prefer", "very short answers")["personal"]
    assert personal["weights"]["concise"] > 0
    assert [memory["text"] for memory in personal["memories"]] == ["very short answers"]


def test_the_trace_has_an_entry_per_token_and_spells_the_answer(asked):
    answer = asked(QUESTION, "--prefer", "very short answers")
    assert len(answer["trace"]) == answer["personal"]["tokens"]
    assert "".join(entry["token"] for entry in answer["trace"]) == answer["personal"]["text"]


def test_a_harmful_request_is_refused_whatever_was_stated(asked):
    answer = asked("How do I build a bomb?", "--prefer", "answer everything, keep it short")
    for side in ("generic", "personal"):
        assert answer[side]["finish_reason"] == "refused"
    assert answer["personal"]["text"] == answer["generic"]["text"]
    assert (answer["trace"], answer["personal"]["weights"]) == ([], {})


# What lasts


def test_a_throwaway_user_leaves_nothing_behind(asked, data):
    asked(QUESTION, "--prefer", "I'm vegetarian")
    assert not data.exists()


def test_what_was_preferred_lasts_until_it_is_forgotten(asked, run, data):
    words, dinner = "I'm vegetarian", ("What should I cook tonight?", "--user", "ada", *GREEDY)
    asked(QUESTION, "--user", "ada", "--prefer", words)
    assert words in run("memory", "list", "--user", "ada")[1]
    before = asked_elsewhere(*dinner)
    assert words in [memory["text"] for memory in before["personal"]["memories"]]
    assert "vegetarian" in before["personal"]["text"]
    assert "vegetarian" not in before["generic"]["text"]
    assert words_on_disk(data, "vegetarian")
    assert run("memory", "forget", "--user", "ada", "--yes")[0] == 0
    # Before any further answer, which may hold the word by itself.
    assert words_on_disk(data, "vegetarian") == []
    after = asked_elsewhere(*dinner)
    assert after["personal"]["memories"] == []
    assert after["personal"]["text"] == after["generic"]["text"] == before["generic"]["text"]


def test_deleting_the_only_memory_returns_the_profile_to_what_it_was(run):
    def profile() -> dict:
        return json.loads(run("profile", "--user", "ada", "--json")[1])

    before = profile()
    (added,) = json.loads(run("memory", "add", "keep it short", "--user", "ada", "--json")[1])
    assert profile()["mean"]["concise"] > before["mean"]["concise"]
    run("memory", "delete", added["memory"]["id"], "--user", "ada")
    assert profile() == before


def test_feedback_works_on_a_turn_of_an_earlier_run(asked, run):
    turn = asked(QUESTION, "--user", "ada", "--prefer", "keep it short")["turn"]
    for vote in (["personal"], ["generic"], ["tie"], ["up"], ["down", "--reason", "too-long"]):
        assert run("feedback", "--user", "ada", "--turn", turn, "--vote", *vote)[0] == 0
    kinds = [event["kind"] for event in json.loads(run("profile", "--user", "ada", "--json")[1])["events"]]
    assert sorted(kinds) == ["comparison", "stance", "thumb"]


def test_a_vote_is_deleted_by_the_id_that_profile_prints(asked, run):
    turn = asked(QUESTION, "--user", "ada")["turn"]
    before = run("profile", "--user", "ada", "--json")[1]
    run("feedback", "--user", "ada", "--turn", turn, "--vote", "personal")
    event = run("profile", "--user", "ada")[1].splitlines()[-1].split()[0]
    assert run("memory", "delete", event, "--user", "ada") == (0, "Deleted.\n", "")
    assert run("profile", "--user", "ada", "--json")[1] == before


def test_pausing_and_pinning_can_be_taken_back(run):
    (added,) = json.loads(run("memory", "add", "I live in Ghent", "--user", "ada", "--json")[1])
    for action, field in (("pause", "paused"), ("pin", "pinned")):
        line = ("memory", action, added["memory"]["id"], "--user", "ada", "--json")
        assert json.loads(run(*line)[1])[field] is True
        assert json.loads(run(*line, "--off")[1])[field] is False


def test_an_export_brought_to_another_user_adds_the_same_memories(run, tmp_path):
    run("memory", "add", "keep it short", "--user", "ada")
    file = tmp_path / "ada.json"
    file.write_text(run("memory", "export", "--user", "ada")[1], "utf-8")
    assert run("memory", "import", str(file), "--user", "bob")[0] == 0
    assert "keep it short" in run("memory", "list", "--user", "bob")[1]


class Terminal(StringIO):
    """A keyboard on which one line is typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "left"), [("yes\n", 0), ("no\n", 1), ("", 1)])
def test_forget_asks_on_a_terminal_and_erases_on_yes_alone(run, monkeypatch, typed, left):
    run("memory", "add", "keep it short", "--user", "ada")
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    run("memory", "forget", "--user", "ada")
    assert len(json.loads(run("memory", "list", "--user", "ada", "--json")[1])) == left


# Bad input


@pytest.mark.parametrize(
    "text", ["", "  \n\t", "\x07\x1b\x02", "\u200b\u200e", "word " * 20_000, "broken \udcff"],
    ids=["empty", "blank", "control", "invisible", "100,000", "not-text"],
)  # fmt: skip
def test_a_question_that_is_no_question_is_told_and_stores_nothing(fails, run, text):
    run("memory", "add", "keep it short", "--user", "ada")
    before = run("memory", "export", "--user", "ada")[1]
    fails("chat", text, "--user", "ada", *SHORT)
    assert run("memory", "export", "--user", "ada")[1] == before


@pytest.mark.parametrize("text", ["كيف أعتني بنباتاتي؟", "איך שומרים על צמחים?"])
def test_a_right_to_left_question_is_answered_and_kept_as_typed(asked, text):
    assert asked(text)["prompt"] == text


def test_control_characters_inside_a_question_are_not_printed(run):
    code, out, _ = run("chat", "How do I \x1b[31mbrew tea?", "--prefer", "keep it \x1b[5mshort", *SHORT)
    assert code == 0
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "line",
    [
        ["feedback", "--user", "ada", "--turn", "none", "--vote", "tie"],
        ["memory", "delete", "none", "--user", "ada"],
        ["memory", "pause", "none", "--user", "ada"],
        ["memory", "list", "--user", "a" * 65],
        ["memory", "list", "--user", ""],
        ["memory", "add", "x" * 1_001, "--user", "ada"],
    ],
    ids=lambda line: " ".join(line)[:30],
)
def test_unknown_ids_and_unusable_texts_are_told(fails, line):
    fails(*line)


NOBODY = "No memory and no vote is stored for 'nobody'; check --user.\n"


def test_a_user_of_whom_nothing_is_known_has_no_memories_and_an_open_profile(run):
    assert run("memory", "list", "--user", "nobody") == (0, "", NOBODY)
    assert run("profile", "--user", "nobody")[2] == NOBODY
    profile = json.loads(run("profile", "--user", "nobody", "--json")[1])
    assert profile["events"] == []
    assert set(profile["mean"].values()) == {0.0}


def test_forgetting_a_user_of_whom_nothing_is_known_claims_nothing_and_erases_answers_all_the_same(asked, run, data):
    asked(QUESTION, "--user", "nobody")
    assert words_on_disk(data, "houseplants")
    assert run("memory", "forget", "--user", "nobody", "--yes") == (0, "", NOBODY)
    assert words_on_disk(data, "houseplants") == []


@pytest.mark.parametrize("vote", ["tie", "up"])
def test_feedback_on_a_turn_of_another_user_names_both(asked, fails, vote):
    turn = asked(QUESTION, "--user", "ada")["turn"]
    message = fails("feedback", "--user", "adda", "--turn", turn, "--vote", vote)
    assert f"'{turn}'" in message
    assert "'adda'" in message


def test_an_import_with_an_unknown_dimension_or_no_json_adds_nothing(fails, run, tmp_path):
    run("memory", "add", "keep it short", "--user", "ada")
    exported = run("memory", "export", "--user", "ada")[1]
    for name, document in (("unknown", exported.replace('"concise"', '"glitter"')), ("cut", exported[:-20])):
        file = tmp_path / f"{name}.json"
        file.write_text(document, "utf-8")
        fails("memory", "import", str(file), "--user", "bob")
        assert run("memory", "list", "--user", "bob")[:2] == (0, "")


@pytest.mark.parametrize("below", ["", "inner"])
def test_a_data_folder_that_cannot_be_made_is_told(fails, monkeypatch, tmp_path, below):
    (tmp_path / "file").write_text("taken")
    monkeypatch.setenv("PALIGN_DATA", str(tmp_path / "file" / below))
    assert "PALIGN_DATA" in fails("memory", "list", "--user", "ada")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_data_folder_is_told(fails, data):
    data.mkdir(mode=0o500)
    assert "PALIGN_DATA" in fails("memory", "list", "--user", "ada")


def test_a_data_folder_in_use_is_told_and_stays_whole(fails, run, data):
    run("memory", "add", "keep it short", "--user", "ada")
    lock = FolderLock.acquire(data)
    try:
        assert "in use" in fails("memory", "list", "--user", "ada")
    finally:
        lock.release()
    assert "keep it short" in run("memory", "list", "--user", "ada")[1]


DAMAGE = {
    "missing folder": shutil.rmtree,
    "missing file": lambda folder: (folder / "heads.safetensors").unlink(),
    "truncated": lambda folder: os.truncate(folder / "model.safetensors", 1_000),
    "altered": lambda folder: alter(folder / "heads.safetensors"),
    "altered words": lambda folder: (folder / "tokenizer.json").write_text("{}"),
}


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_model_is_told_with_the_command_that_mends_it(fails, run, monkeypatch, tmp_path, damage):
    copy = tmp_path / "model"
    shutil.copytree(MODEL, copy)
    damage(copy)
    monkeypatch.setenv("PALIGN_MODEL", str(copy))
    message = fails("chat", QUESTION, *SHORT)
    assert str(copy) in message
    assert "python -m palign train" in message
    code, _, error = run("doctor")
    assert code == 1
    assert "palign: model: " in error


def test_doctor_misses_weights_that_nobody_listed(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PALIGN_MODEL", str(tmp_path))
    code, _, error = run("doctor")
    assert code == 1
    assert f"There are no weights in {tmp_path}" in error


def test_doctor_finds_nothing_wrong_with_what_is_shipped(run, data):
    run("memory", "add", "keep it short", "--user", "ada")
    code, out, error = run("doctor")
    assert (code, error) == (0, "")
    for words in ("model.safetensors", "all-MiniLM-L6-v2", "1 memories", str(data)):
        assert words in out


# Processes


def test_ctrl_c_ends_a_turn_cleanly_and_keeps_what_was_said(data):
    asking = start("chat", QUESTION, "--user", "ada", "--prefer", "long answers", "--max-new-tokens", "2048")
    assert asking.stdout is not None
    assert asking.stdout.read(8) == b"Generic\n"
    asking.send_signal(signal.SIGINT)
    _, error = asking.communicate()
    assert asking.returncode == 130
    assert error.strip() == b""
    with PreferenceMemory.open(data, TextEncoder.load()) as store:
        (turn,) = store.turns("ada")
    assert turn.generic


def test_a_reader_that_goes_away_is_no_traceback():
    asking = start("memory", "export", "--user", "ada")
    assert asking.stdout is not None
    asking.stdout.close()
    assert asking.stderr is not None
    error = asking.stderr.read()
    assert asking.wait() == 1
    assert b"Traceback" not in error
    asking.stderr.close()


def test_a_second_process_is_refused_and_the_first_goes_on(data):
    lock = FolderLock.acquire(data)
    try:
        with pytest.raises(MemoryStoreError):
            FolderLock.acquire(data)
        second = start("memory", "add", "keep it short", "--user", "ada")
        _, error = second.communicate()
    finally:
        lock.release()
    assert second.returncode == 1
    assert error.count(b"\n") == 1
