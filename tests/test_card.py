"""Laws of the card's examination: a failure is marked, a verdict belongs to one text, and text is never markup."""

from __future__ import annotations

import json

import pytest
import yaml

from palign.evaluation.model.card import MARKS, Reading, examination, load_readings, update_card
from palign.schema import AssetError, ConfigError

READ = {"part": "fluency", "ask": "How do I sleep?", "answer": "Go to bed.", "verdict": "sound", "reason": "it helps"}


def result(*answers, holds=True):
    """An examination of one line and these answers."""
    line = {"name": "on topic", "value": 0.9, "bound": 0.88, "least": True, "holds": holds}
    rows = [{"ask": ask, "topic": "sleep", "answer": answer} for ask, answer in answers]
    return {
        "command": "palign evaluate model", "seconds": 60.0, "hardware": {"cores": 2, "processor": "x86"},
        "lines": [line], "figures": {"fluency": {"answers": rows}},
    }  # fmt: skip


def test_a_promise_that_fails_is_marked_and_counted():
    assert "of 1 promises 0 fail" in examination(result(), ())
    page = examination(result(holds=False), ())
    assert "of 1 promises 1 fail" in page
    assert "| on topic | 0.900 | at least 0.88 | **fails** |" in page


def test_a_verdict_holds_for_the_very_answer_that_was_read():
    reading = Reading.model_validate(READ)
    same, other = ("How do I sleep?", "Go to bed."), ("How do I sleep?", "Go to bed early.")
    assert "| Go to bed. | sound | it helps |" in examination(result(same), (reading,))
    page = examination(result(other), (reading,))
    assert "| Go to bed early. | not read |  |" in page
    assert "Read: 0 of 1 answers" in page


def test_an_answer_is_no_markup_of_the_card():
    page = examination(result(("a|b", "<b>1</b>\n\n| x |")), ())
    assert "| a&#124;b | &lt;b>1&lt;/b><br>&#124; x &#124; | not read |  |" in page


def test_the_card_keeps_all_but_what_stands_between_its_marks(tmp_path):
    card, found, readings = tmp_path / "README.md", tmp_path / "model.json", tmp_path / "readings.yaml"
    card.write_text("before\n" + "\nold\n".join(MARKS) + "\nafter\n")
    found.write_text(json.dumps(result(("How do I sleep?", "Go to bed."))))
    readings.write_text(yaml.safe_dump([READ]))
    update_card(card, found, readings)
    text = card.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "1 sound" in text


def test_a_card_without_marks_is_left_as_it_is(tmp_path):
    card, found, readings = tmp_path / "README.md", tmp_path / "model.json", tmp_path / "readings.yaml"
    card.write_text("a card")
    found.write_text(json.dumps(result()))
    readings.write_text("[]")
    with pytest.raises(ConfigError, match="no place"):
        update_card(card, found, readings)
    assert card.read_text() == "a card"


@pytest.mark.parametrize("text", ["{", "- part: fluency", yaml.safe_dump([{**READ, "verdict": "great"}])])
def test_readings_of_another_form_are_refused(tmp_path, text):
    path = tmp_path / "readings.yaml"
    path.write_text(text)
    with pytest.raises(AssetError, match=r"readings\.yaml is no list of readings"):
        load_readings(path)
