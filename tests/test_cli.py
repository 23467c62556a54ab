"""Laws of the command line that need no model: what is accepted, what is printed, what code is returned."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palign.chat import Status
from palign.cli import main
from palign.cli.arguments import VOTES, build_parser, number, whole
from palign.cli.output import AnswerPrinter, chat_document, plain, printable, profile_document, to_json, turn_notes
from palign.evaluation import run as evaluation
from palign.evaluation.laws import Laws, LearningLaw, LengthLaw, StrengthLaw, Voter
from palign.schema import (
    Alternative,
    Comparison,
    Memory,
    MemoryHit,
    Pane,
    PreferenceEvent,
    Stance,
    Statement,
    TokenTrace,
    TurnUpdate,
    UserProfile,
)

ROOT = Path(__file__).resolve().parent.parent
STATUS = Status("tiny", "a" * 64, "b" * 64, 10, persistent=False)
MEMORY = Memory("ada", "m1", "I'm vegetarian", "constraint", "typed", 1.0)


def token(text: str, **changes: object) -> TokenTrace:
    other = Alternative("no", -2.0, -3.0, MappingProxyType({"concise": -0.5}))
    values = {"base_logprob": -1.0, "logprob": -0.5, "pushes": MappingProxyType({"concise": 0.4, "floor": 0.0})}
    return TokenTrace(text, **{**values, "kl": 0.25, "alternatives": (other,), **changes})  # type: ignore[arg-type]


def update(generic: str = "", personal: str = "", *, finished: bool = True, **changes: object) -> TurnUpdate:
    end = "stop" if finished else None
    return TurnUpdate(
        "t1", "How?", 7, Pane(generic, (token(generic),), end), Pane(personal, (token("a"), token("b")), end), finished,
        weights=MappingProxyType({"concise": 0.8}), memories=(MemoryHit(MEMORY, 0.9),), **changes,  # type: ignore[arg-type]
    )  # fmt: skip


# Usage


@pytest.mark.parametrize(
    "line",
    [
        "", "dance", "chat", "chat hi --strength nan", "chat hi --strength 1.1", "chat hi --strength -0.1",
        "chat hi --strength much", "chat hi --temperature inf", "chat hi --temperature nan", "chat hi --seed -1",
        "chat hi --seed 9223372036854775808", "chat hi --seed 1.5", "chat hi --explore maybe", "chat hi there",
        "chat hi --max-new-tokens 0", "chat hi --temp 1", "feedback --user ada --turn t", "memory list", "memory dance",
        "feedback --user ada --turn t --vote best", "feedback --user ada --turn t --vote tie --side generic",
        "feedback --user ada --turn t --vote personal --reason style", "memory delete --user ada", "profile",
        "feedback --user ada --turn t --vote up --reason style", "memory forget --user ada",
        "feedback --user ada --turn t --vote down --reason ugly", "doctor now",
    ],
)  # fmt: skip
def test_bad_usage_is_told_on_stderr_with_code_2(line, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", StringIO())  # no terminal to ask on
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    captured = capsys.readouterr()
    assert ended.value.code == 2
    assert captured.out == ""
    assert "error:" in captured.err


def test_nan_strength_is_named_in_the_message(capsys):
    with pytest.raises(SystemExit):
        main(["chat", "hi", "--strength", "NaN"])
    assert "--strength: 'NaN' is not a number from 0 to 1" in capsys.readouterr().err


@given(st.floats())
def test_a_number_is_read_exactly_where_it_is_in_range(value):
    if 0 <= value <= 1:
        assert number(0, 1)(repr(value)) == value
    else:
        with pytest.raises(Exception, match="not a number from 0 to 1"):
            number(0, 1)(repr(value))


@given(st.integers())
def test_a_whole_number_is_read_exactly_where_it_is_in_range(value):
    if 1 <= value <= 2048:
        assert whole(1, 2048)(str(value)) == value
    else:
        with pytest.raises(Exception, match="not a whole number"):
            whole(1, 2048)(str(value))


def test_chat_explores_only_when_asked_and_samples_as_the_screen_does():
    asked = build_parser().parse_args(["chat", "How?"])
    assert (asked.explore, asked.temperature, asked.strength, asked.prefer, asked.user) == ("off", 0.6, 1.0, [], None)


def test_preferences_are_kept_in_the_order_they_were_stated():
    assert build_parser().parse_args(["chat", "How?", "--prefer", "a", "--prefer", "b"]).prefer == ["a", "b"]


def test_every_vote_of_the_service_and_both_thumbs_can_be_typed():
    for vote in VOTES:
        assert build_parser().parse_args(["feedback", "--user", "a", "--turn", "t", "--vote", vote]).vote == vote


@pytest.mark.parametrize("command", ["train", "eval"])
def test_offline_commands_pass_every_argument_on(command):
    rest = ["all", "--out", "x", "--smoke", "--help", "-v"]
    assert build_parser().parse_args([command, *rest]).arguments == rest


@pytest.mark.parametrize("broken", [(), ("strength",), ("length at temperature 0.6", "learning")])
def test_eval_returns_1_and_names_the_laws_that_do_not_hold(broken, capsys, monkeypatch, tmp_path):
    def measured(*_, **__) -> Laws:
        length = [LengthLaw(heat, 10, 30, f"length at temperature {heat:g}" not in broken) for heat in (0.0, 0.6)]
        kl = (0.0, 1.0) if "strength" not in broken else (1.0, 0.0)
        voter = Voter(0, 0.95, "concise", {}, 0.5, "learning" not in broken)
        return Laws(tuple(length), StrengthLaw({0.0: 1.0}, (0.0, 1.0), kl, (0.0, 1.0)), LearningLaw((voter,)))

    monkeypatch.setattr(
        evaluation, "build_service", lambda *_, **__: nullcontext(SimpleNamespace(status=lambda: STATUS))
    )
    monkeypatch.setattr(evaluation, "manifest", lambda *_: {})
    monkeypatch.setattr(evaluation, "measure_laws", measured)
    assert main(["eval", "--laws", "--out", str(tmp_path)]) == (1 if broken else 0)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (f"These laws do not hold: {', '.join(broken)}." if broken else "}")


def test_help_names_every_subcommand_and_returns_0(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    words = capsys.readouterr().out
    assert ended.value.code == 0
    for name in ("chat", "feedback", "memory", "profile", "doctor", "train", "eval"):
        assert f"    {name} " in words


def test_an_unusable_setting_is_one_line_with_its_hint_and_code_1(capsys, monkeypatch):
    monkeypatch.setenv("PALIGN_THREADS", "many")
    assert main(["doctor"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "PALIGN_THREADS" in error


def test_an_import_of_a_missing_file_is_one_line_with_code_1(capsys, tmp_path):
    assert main(["memory", "import", str(tmp_path / "none.json"), "--user", "ada"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_starting_up_loads_no_engine_and_no_screen():
    code = (
        "import sys, palign.cli\n"
        "try: palign.cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print([n for n in ('torch', 'gradio', 'chromadb', 'transformers') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# JSON


def test_the_chat_object_has_the_documented_keys():
    document = chat_document(update("One.", "Two."), STATUS)
    assert list(document) == ["prompt", "seed", "model", "generic", "personal", "trace", "turn"]
    assert document["model"] == {"id": "tiny", "sha256": "a" * 64}
    assert document["generic"] == {"text": "One.", "tokens": 1, "finish_reason": "stop"}
    assert document["personal"] == {
        "text": "Two.", "tokens": 2, "finish_reason": "stop", "kl": 0.5, "weights": {"concise": 0.8},
        "memories": [{"id": "m1", "text": "I'm vegetarian", "score": 0.9}],
    }  # fmt: skip
    assert (document["prompt"], document["seed"], document["turn"]) == ("How?", 7, "t1")


def test_the_trace_has_an_entry_per_token_of_the_personal_answer():
    trace = chat_document(update("One.", "Two."), STATUS)["trace"]
    assert [entry["token"] for entry in trace] == ["a", "b"]
    assert trace[0]["push"] == {"concise": 0.4, "floor": 0.0}
    assert trace[0]["alternatives"][0] == {
        "token": "no", "logprob": -3.0, "base_logprob": -2.0, "push": {"concise": -0.5},
    }  # fmt: skip


@given(st.text(), st.floats())
def test_any_answer_becomes_valid_json_in_ascii_and_comes_back_equal(text, value):
    turn = update(text, text)
    turn = TurnUpdate("t", text, 0, Pane(text), Pane(text, (token(text, kl=value),), "stop"), True)
    written = to_json(chat_document(turn, STATUS))
    assert written.isascii()
    read = json.loads(written)
    assert read["personal"]["text"] == text
    assert read["trace"][0]["kl"] == (value if math.isfinite(value) else None)


def test_the_profile_names_the_kind_of_every_event():
    events = (
        PreferenceEvent("e1", "ada", 1.0, "m1", Stance("concise", 1.0)),
        PreferenceEvent("e2", "ada", 2.0, "t1", Comparison("t1", MappingProxyType({"concise": 0.3}), "tie", "h")),
    )
    document = profile_document(UserProfile("ada", MappingProxyType({"concise": 0.7}), {"concise": 0.2}, events))
    assert [event["kind"] for event in document["events"]] == ["stance", "comparison"]
    assert document["events"][1]["evidence"]["difference"] == {"concise": 0.3}
    assert (document["mean"], document["std"]) == ({"concise": 0.7}, {"concise": 0.2})
    json.loads(to_json(document))


def test_what_has_no_json_form_is_an_error_not_a_guess():
    with pytest.raises(TypeError):
        plain({1, 2})


# Lines


@given(st.text())
def test_printed_text_holds_no_control_character_but_line_breaks_and_tabs(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert not any((char < " " and char not in "\n\t") or "\x7f" <= char <= "\x9f" for char in shown)


@pytest.mark.parametrize("text", ["Grüß dich, İstanbul", "مرحبا بالعالم", "שלום", "日本語 👩‍🌾"])
def test_words_of_any_language_are_printed_untouched(text):
    assert printable(text) == text


def test_an_escape_sequence_in_a_memory_does_not_reach_the_terminal():
    statement = Statement(Memory("ada", "m", "be \x1b[31mred\u202e", "style", "typed", 0.0))
    (line,) = turn_notes(update(stated=(statement,)))[:1]
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_notes_say_what_was_learned_used_and_tried():
    event = PreferenceEvent("e", "ada", 0.0, "m", Stance("concise", 1.0, context="work"))
    statement = Statement(Memory("ada", "m", "keep it short", "style", "typed", 0.0), (event,))
    notes = turn_notes(update(stated=(statement,), exploring=(Stance("lists", -1.0),), notice="Noted."))
    assert notes == [
        "Noted.", 'Learned: "keep it short" (shorter (work))', 'Used: "I\'m vegetarian"', "Trying: flowing prose",
    ]  # fmt: skip


pieces = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=6)


@given(pieces)
def test_streamed_answers_print_the_same_as_finished_ones(parts):
    streamed, whole_ = StringIO(), StringIO()
    printer = AnswerPrinter(streamed)
    for n in range(1, len(parts) + 1):
        texts = ["".join(part[side] for part in parts[:n]) for side in (0, 1)]
        printer.show(update(*texts, finished=n == len(parts)))
    printer.end()
    finished = AnswerPrinter(whole_)
    finished.show(update(*texts))
    finished.end()
    assert streamed.getvalue() == whole_.getvalue()


def test_both_answers_are_labelled_and_the_generic_one_comes_first():
    out = StringIO()
    printer = AnswerPrinter(out)
    printer.show(update("One.", "Two."))
    printer.end()
    assert out.getvalue() == "Generic\nOne.\n\nPersonal\nTwo.\n"


def test_text_that_was_taken_back_is_followed_by_what_replaced_it():
    out = StringIO()
    printer = AnswerPrinter(out)
    printer.show(update("Take the", finished=False))
    printer.show(update("I will not help.", "I will not help."))
    assert "Take the\nI will not help." in out.getvalue()
