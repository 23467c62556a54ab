"""What the store keeps, finds and replaces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memories import LONG, PLAIN, SHORT, Clock, a_turn, found, vote

from palign.memory import PreferenceMemory
from palign.schema import (
    ConfigError,
    InvalidTextError,
    MemoryStoreError,
    Stance,
    UnknownMemoryError,
    UnknownTurnError,
)

# Adding


def test_a_memory_keeps_the_users_words(store: PreferenceMemory) -> None:
    text = "  Ich mag <b>Käse</b> \u202e und 'quotes'; DROP TABLE memories\n"
    memory = store.add("ann", text, kind="topical", provenance="t1")
    assert memory.text == text.strip()
    assert store.get("ann", memory.id) == memory
    assert store.memories("ann") == (memory,)


def test_a_memory_and_its_stances_are_stored_together(store: PreferenceMemory) -> None:
    memory = store.add("ann", "keep it short", kind="style", events=[SHORT, Stance("formal", -0.5, "work")])
    events = store.linked_events("ann", memory.id)
    assert [event.evidence for event in events] == [SHORT, Stance("formal", -0.5, "work")]
    assert {event.source_id for event in events} == {memory.id}
    assert store.events("ann") == events


def test_the_same_words_again_add_nothing_but_a_use(store: PreferenceMemory, clock: Clock) -> None:
    first = store.add("ann", "I’m vegetarian.", kind="constraint", events=[SHORT])
    clock.now += 60
    again = store.add("ann", "i'm   Vegetarian", kind="constraint", events=[SHORT])
    assert again == replace(first, uses=1, last_used_at=clock.now)
    assert len(store.memories("ann")) == len(store.events("ann")) == 1


def test_saying_a_paused_memory_again_takes_it_out_of_pause(store: PreferenceMemory) -> None:
    memory = store.add("ann", "no jargon", kind="style", events=[SHORT])
    store.pause("ann", memory.id, paused=True)
    assert not store.add("ann", "no jargon", kind="style").paused
    assert len(store.events("ann")) == 1


def test_saying_the_same_words_again_makes_their_stances_the_latest(store: PreferenceMemory, clock: Clock) -> None:
    first = store.add("ann", "short, no jargon", kind="style", events=[SHORT, PLAIN])
    store.append_event(vote("v1"))
    store.add("ann", "longer answers", kind="style", slot="length", events=[LONG])
    clock.now += 60
    store.append_event(replace(vote("v2"), created_at=clock.now))
    assert store.add("ann", "Short, no jargon!", kind="style", events=[SHORT, PLAIN]).id == first.id
    assert [event.evidence for event in store.events("ann")][-2:] == [SHORT, PLAIN]
    assert len(store.events("ann")) == 5
    assert [event.evidence for event in store.linked_events("ann", first.id)] == [SHORT, PLAIN]


def test_deleting_words_said_twice_equals_never_saying_them(store: PreferenceMemory) -> None:
    store.add("ann", "longer answers", kind="style", slot="length", events=[LONG])
    store.append_event(vote("v1"))
    events, memories = store.events("ann"), store.memories("ann")
    for _ in range(2):
        twice = store.add("ann", "short, no jargon", kind="style", events=[SHORT, PLAIN])
    store.delete("ann", twice.id)
    assert (store.events("ann"), store.memories("ann")) == (events, memories)


def test_opposites_are_never_merged(store: PreferenceMemory) -> None:
    store.add("ann", "I am allergic to peanuts", kind="constraint")
    store.add("ann", "I am not allergic to peanuts", kind="constraint")
    assert len(store.memories("ann")) == 2


def test_a_new_value_for_a_slot_supersedes_the_old_one_and_its_stances(store: PreferenceMemory) -> None:
    old = store.add("ann", "short answers", kind="style", slot="length", events=[SHORT])
    new = store.add("ann", "long answers", kind="style", slot="length", events=[LONG])
    assert store.get("ann", old.id).superseded_by == new.id
    assert store.memories("ann") == (new,)
    assert [event.evidence for event in store.events("ann")] == [LONG]
    assert found(store, "answers") == ["long answers"]


def test_going_back_to_superseded_words_makes_them_live_again(store: PreferenceMemory) -> None:
    for text, stance in (("short answers", SHORT), ("long answers", LONG), ("short answers", SHORT)):
        store.add("ann", text, kind="style", slot="length", events=[stance])
    assert [memory.text for memory in store.memories("ann")] == ["short answers"]
    assert [event.evidence for event in store.events("ann")] == [SHORT]


@pytest.mark.parametrize("text", ["", "  \n\t", "\u200b\u0007", "a\x00b", "\ud800", "x" * 1_001])
def test_what_is_no_usable_text_is_refused(store: PreferenceMemory, text: str) -> None:
    with pytest.raises(InvalidTextError):
        store.add("ann", text, kind="topical")
    assert store.memories("ann") == ()


@pytest.mark.parametrize("user", ["", "x" * 65, "a\nb", "a\x00", "\ud800", None, 7, {"$ne": ""}])
def test_what_is_no_user_id_is_refused_everywhere(store: PreferenceMemory, user: str) -> None:
    for call in (store.memories, store.events, store.turns, store.export, store.forget):
        with pytest.raises(ConfigError):
            call(user)
    with pytest.raises(ConfigError):
        store.search(user, "x")


def test_a_full_store_refuses_and_keeps_what_it_has(store: PreferenceMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palign.memory.store.MAX_MEMORIES", 3)
    for n in range(3):
        store.add("ann", f"fact {n}", kind="topical", slot="place" if n == 0 else None)
    with pytest.raises(MemoryStoreError, match="Delete one"):
        store.add("ann", "fact 3", kind="topical", events=[SHORT])
    assert len(store.memories("ann")) == 3
    assert store.events("ann") == ()
    store.add("ann", "another place", kind="topical", slot="place")
    assert len(store.memories("ann")) == 3


# Editing, pausing, pinning, deleting


def test_editing_replaces_words_and_stances(store: PreferenceMemory) -> None:
    memory = store.add("ann", "short answers", kind="style", slot="length", events=[SHORT])
    edited = store.edit("ann", memory.id, "lovely cats", kind="topical", events=[])
    assert edited == replace(memory, text="lovely cats", kind="topical", slot=None)
    assert store.events("ann") == ()
    assert found(store, "cats") == ["lovely cats"]


def test_editing_into_words_already_there_is_refused(store: PreferenceMemory) -> None:
    store.add("ann", "one", kind="topical")
    other = store.add("ann", "two", kind="topical")
    with pytest.raises(InvalidTextError, match="says the same"):
        store.edit("ann", other.id, "One.", kind="topical")
    assert store.get("ann", other.id) == other


def test_a_paused_memory_and_its_stance_do_not_count_until_resumed(store: PreferenceMemory) -> None:
    memory = store.add("ann", "short answers", kind="style", events=[SHORT])
    before = store.events("ann")
    assert store.pause("ann", memory.id, paused=True).paused
    assert found(store, "answers") == []
    assert store.events("ann") == ()
    store.pause("ann", memory.id, paused=False)
    assert found(store, "answers") == ["short answers"]
    assert store.events("ann") == before


def test_deleting_takes_what_was_superseded_and_the_linked_events(store: PreferenceMemory) -> None:
    ids = [
        store.add("ann", text, kind="style", slot="length", events=[stance]).id
        for text, stance in (("short", SHORT), ("long", LONG), ("medium", Stance("concise", 0.0)))
    ]
    store.append_event(vote("v1"))
    store.delete("ann", ids[-1])
    for memory_id in ids:
        with pytest.raises(UnknownMemoryError):
            store.get("ann", memory_id)
    assert store.events("ann") == (vote("v1"),)
    assert found(store, "short long medium") == []


def test_deleting_an_event_equals_never_adding_it(store: PreferenceMemory) -> None:
    store.append_event(vote("v1"))
    before = store.events("ann")
    store.append_event(vote("v2"))
    store.delete_event("ann", "v2")
    assert store.events("ann") == before


def test_deleting_a_stance_deletes_its_memory_and_the_memorys_other_stances(store: PreferenceMemory) -> None:
    store.append_event(vote("v1"))
    memory = store.add("ann", "short and formal", kind="style", events=[SHORT, Stance("formal", 1.0)])
    store.delete_event("ann", store.linked_events("ann", memory.id)[0].id)
    assert store.memories("ann") == ()
    assert store.events("ann") == (vote("v1"),)


def test_replacing_a_vote_leaves_one(store: PreferenceMemory) -> None:
    store.append_event(vote("v1"))
    store.append_event(vote("v2"), replacing=["v1"])
    assert [event.id for event in store.events("ann")] == ["v2"]


def test_deleting_a_memory_takes_the_words_of_its_turns_and_keeps_their_numbers(store: PreferenceMemory) -> None:
    memory = store.add("ann", "I live in Oslo", kind="topical", provenance="said")
    store.add("ann", "I live in Oslo", kind="topical", provenance="said again")
    turns = [a_turn("said"), a_turn("said again"), a_turn("used", memory.id), a_turn("other")]
    for turn in turns:
        store.add_turn(turn)
    store.delete("ann", memory.id)
    blank = [replace(turn, prompt="", generic="", personal="") for turn in turns[:3]]
    assert store.turns("ann") == (*blank, turns[3])


def test_a_turn_that_ends_after_its_memory_was_deleted_is_stored_without_words(store: PreferenceMemory) -> None:
    memory = store.add("ann", "I live in Oslo", kind="topical", provenance="said")
    store.delete("ann", memory.id)
    store.add_turn(a_turn("said"))
    store.add_turn(a_turn("used", memory.id))
    assert [turn.prompt + turn.generic + turn.personal for turn in store.turns("ann")] == ["", ""]


def test_a_turn_that_began_before_forgetting_is_not_stored(store: PreferenceMemory, clock: Clock) -> None:
    began = clock.now
    clock.now += 1
    store.forget("ann")
    store.add_turn(a_turn("late", created_at=began))
    assert store.turns("ann") == ()
    store.add_turn(a_turn("new", created_at=clock.now))
    assert [turn.id for turn in store.turns("ann")] == ["new"]


def test_turns_come_back_as_stored_and_the_last_ones_first_out(store: PreferenceMemory) -> None:
    turns = [a_turn(f"t{n}", created_at=float(n)) for n in range(5)]
    for turn in turns:
        store.add_turn(turn)
    assert store.turn("ann", "t3") == turns[3]
    assert store.turns("ann", 2) == tuple(turns[3:])


@pytest.mark.parametrize("id_", ["nothing", "", "\ud800", "x" * 1_000])
def test_unknown_ids_are_typed_errors(store: PreferenceMemory, id_: str) -> None:
    with pytest.raises(UnknownMemoryError):
        store.delete("ann", id_)
    with pytest.raises(UnknownMemoryError):
        store.pause("ann", id_, paused=True)
    with pytest.raises(UnknownMemoryError):
        store.edit("ann", id_, "x", kind="topical")
    with pytest.raises(UnknownMemoryError):
        store.delete_event("ann", id_)
    with pytest.raises(UnknownTurnError):
        store.turn("ann", id_)


def test_nobody_reaches_another_users_rows_by_their_ids(store: PreferenceMemory) -> None:
    memory = store.add("ann", "secret plans", kind="topical", events=[SHORT])
    event = store.events("ann")[0]
    store.add_turn(a_turn("t1"))
    for call in (
        lambda: store.get("bob", memory.id),
        lambda: store.delete("bob", memory.id),
        lambda: store.pin("bob", memory.id, pinned=True),
        lambda: store.delete_event("bob", event.id),
        lambda: store.turn("bob", "t1"),
    ):
        with pytest.raises((UnknownMemoryError, UnknownTurnError)):
            call()
    store.mark_used("bob", [memory.id])
    store.append_event(vote("v", user="bob"), replacing=[event.id])
    assert store.get("ann", memory.id) == memory
    assert store.events("ann") == (event,)
    assert store.search("bob", "secret plans") == ()


# Searching


def test_constraints_style_and_pinned_come_up_whatever_the_question(store: PreferenceMemory) -> None:
    texts = {"likes hiking": "topical", "short answers": "style", "no nuts": "constraint", "owns a cat": "topical"}
    ids = {text: store.add("ann", text, kind=kind).id for text, kind in texts.items()}  # type: ignore[arg-type]
    store.pin("ann", ids["owns a cat"], pinned=True)
    assert found(store, "quantum physics") == ["no nuts", "owns a cat", "short answers"]
    assert found(store, "hiking") == ["no nuts", "owns a cat", "short answers", "likes hiking"]


def test_words_a_newer_stance_reverses_are_listed_but_not_called_up(store: PreferenceMemory) -> None:
    old = store.add("ann", "long answers, no jargon", kind="style", events=[LONG, PLAIN])
    new = store.add("ann", "keep it short", kind="style", slot="length", events=[SHORT])
    assert found(store, "cats") == ["keep it short"]
    assert store.memories("ann") == (old, new)
    assert [event.evidence for event in store.events("ann")] == [LONG, PLAIN, SHORT]


@pytest.mark.parametrize("withdraw", ["delete", "pause"])
def test_taking_the_newer_stance_back_brings_the_older_words_back(store: PreferenceMemory, withdraw: str) -> None:
    store.add("ann", "long answers, no jargon", kind="style", events=[LONG, PLAIN])
    before = store.search("ann", "cats")
    new = store.add("ann", "keep it short", kind="style", slot="length", events=[SHORT])
    if withdraw == "delete":
        store.delete("ann", new.id)
    else:
        store.pause("ann", new.id, paused=True)
    assert store.search("ann", "cats") == before


def test_words_are_left_out_once_all_they_ask_for_was_stated_anew_and_not_before(store: PreferenceMemory) -> None:
    store.add("ann", "short, no jargon", kind="style", events=[SHORT, PLAIN])
    store.add("ann", "keep it brief", kind="style", events=[SHORT])
    assert found(store, "cats") == ["short, no jargon", "keep it brief"]
    store.add("ann", "plain words", kind="style", events=[PLAIN])
    assert found(store, "cats") == ["keep it brief", "plain words"]


def test_a_stance_for_one_context_leaves_words_for_everywhere_in_use(store: PreferenceMemory) -> None:
    store.add("ann", "long answers", kind="style", events=[LONG])
    store.add("ann", "short at work", kind="style", events=[replace(SHORT, context="work")])
    assert len(store.search("ann", "cats")) == 2


def test_above_thirty_memories_only_the_nearest_topical_ones_are_kept(store: PreferenceMemory) -> None:
    for n in range(31):
        store.add("ann", f"word{n} shared", kind="topical")
    assert len(store.search("ann", "shared", limit=10)) == 10
    assert found(store, "word7 shared")[0] == "word7 shared"
    store.delete("ann", store.memories("ann")[30].id)
    assert len(store.search("ann", "shared", limit=10)) == 30


def test_an_unused_memory_falls_behind_but_never_out(store: PreferenceMemory, clock: Clock) -> None:
    store.add("ann", "tea green", kind="topical")
    clock.now += 400 * 86_400
    store.add("ann", "tea black", kind="topical")
    assert found(store, "tea") == ["tea black", "tea green"]
    store.mark_used("ann", [store.memories("ann")[0].id])
    clock.now += 400 * 86_400
    assert set(found(store, "tea")) == {"tea black", "tea green"}


@pytest.mark.parametrize("query", ["", "\x07", "a\x00", "\ud800"])
def test_a_query_that_is_no_text_is_a_typed_error(store: PreferenceMemory, query: str) -> None:
    with pytest.raises(InvalidTextError):
        store.search("ann", query)
