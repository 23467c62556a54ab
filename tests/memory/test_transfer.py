"""What the store exports, imports and erases."""

from __future__ import annotations

import json
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memories import LONG, SHORT, Clock, found, vote

from palign.memory import PreferenceMemory
from palign.memory.transfer import read_evidence, write_evidence
from palign.schema import (
    Comparison,
    Evidence,
    InvalidTextError,
    PreferenceEvent,
    Stance,
    Thumb,
)


def fill(store: PreferenceMemory, user: str = "ann") -> None:
    store.add(user, "short answers", kind="style", slot="length", events=[SHORT])
    store.add(user, "long answers", kind="style", slot="length", provenance="t1", events=[LONG])
    paused = store.add(user, "no “jargon” ☕", kind="style", events=[Stance("plain", 0.9, "work")])
    store.pause(user, paused.id, paused=True)
    store.pin(user, store.add(user, "lives in Oslo", kind="topical").id, pinned=True)
    store.append_event(vote("v1", user))
    thumb = Thumb("t2", "personal", {"warm": -1e-300, "plain": 0.1 + 0.2}, False, "too-long", "cd")
    store.append_event(PreferenceEvent("v2", user, 0.1, "t2", thumb))


def test_export_forget_import_gives_the_same_export(store: PreferenceMemory) -> None:
    fill(store)
    exported, memories, events = store.export("ann"), store.memories("ann"), store.events("ann")
    store.forget("ann")
    assert store.memories("ann") == store.events("ann") == store.turns("ann") == ()
    assert store.import_("ann", exported) == 4 + 5
    assert store.export("ann") == exported
    assert (store.memories("ann"), store.events("ann")) == (memories, events)
    assert found(store, "Oslo")[0] == "lives in Oslo"


def test_importing_twice_adds_nothing(store: PreferenceMemory) -> None:
    fill(store)
    exported = store.export("ann")
    assert store.import_("ann", exported) == 0
    assert store.export("ann") == exported


def test_an_import_belongs_to_the_current_user_and_leaves_the_other_alone(store: PreferenceMemory) -> None:
    fill(store)
    before = store.export("ann")
    store.import_("bob", before)
    assert store.export("bob") == before
    assert {memory.user_id for memory in store.memories("bob")} == {"bob"}
    store.forget("bob")
    assert store.export("ann") == before
    assert found(store, "Oslo")[0] == "lives in Oslo"


def test_an_imported_duplicate_is_skipped_with_its_stances(store: PreferenceMemory) -> None:
    fill(store)
    exported = store.export("ann")
    mine = store.add("bob", "Long answers", kind="style", slot="length", events=[LONG])
    store.import_("bob", exported)
    assert [event.source_id for event in store.events("bob") if event.evidence == LONG] == [mine.id]
    old = next(entry for entry in json.loads(exported)["memories"] if entry["superseded_by"])
    assert store.get("bob", old["id"]).superseded_by == mine.id


def test_of_two_values_for_a_slot_the_younger_stays_live_after_an_import(store: PreferenceMemory, clock: Clock) -> None:
    store.add("ann", "old value", kind="style", slot="tone")
    clock.now += 1
    mine = store.add("bob", "new value", kind="style", slot="tone")
    store.import_("bob", store.export("ann"))
    assert store.memories("bob") == (mine,)
    clock.now += 1
    store.forget("ann")
    newest = store.add("ann", "newest value", kind="style", slot="tone")
    store.import_("bob", store.export("ann"))
    assert [memory.id for memory in store.memories("bob")] == [newest.id]


BROKEN_DOCUMENTS = {
    "no JSON": "what?",
    "empty": "",
    "another shape": "[]",
    "nested without end": "[" * 100_000,
    "another format": '{"format": "x", "version": 1, "memories": [], "events": []}',
    "unknown field": '{"format": "palign-memory", "version": 1, "memories": [], "events": [], "user_id": "bob"}',
    "lone surrogate": '{"format": "\\ud800"}',
    "raw surrogate": '{"format": "\ud800"}',
}


@pytest.mark.parametrize("document", BROKEN_DOCUMENTS.values(), ids=BROKEN_DOCUMENTS)
def test_a_document_that_is_no_export_is_refused(store: PreferenceMemory, document: str) -> None:
    with pytest.raises(InvalidTextError):
        store.import_("ann", document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("memories", 0, "text"), "a\x00b"),
        (("memories", 0, "text"), "x" * 1_001),
        (("memories", 0, "text"), 7),
        (("memories", 0, "kind"), "secret"),
        (("memories", 0, "id"), "a\nb"),
        (("memories", 1, "id"), None),
        (("memories", 0, "created_at"), "yesterday"),
        (("memories", 0, "created_at"), float("nan")),
        (("memories", 0, "uses"), 10**30),
        (("memories", 0, "superseded_by"), "nowhere"),
        (("events", 0, "evidence", "type"), "rumour"),
        (("events", 2, "evidence", "strength"), 1.5),
        (("events", 2, "evidence", "strength"), float("inf")),
    ],
)
def test_an_altered_export_is_refused_whole(
    store: PreferenceMemory, path: tuple[str | int, ...], value: object
) -> None:
    fill(store)
    document = json.loads(store.export("ann"))
    place = document
    for key in path[:-1]:
        place = place[key]
    assert path[-1] in place or isinstance(path[-1], int)
    place[path[-1]] = value
    with pytest.raises(InvalidTextError):
        store.import_("bob", json.dumps(document))
    assert store.memories("bob") == store.events("bob") == ()


finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
differences = st.dictionaries(names, finite, max_size=4)
evidence = st.one_of(
    st.builds(Stance, names, st.floats(-1, 1), st.sampled_from(["", "work"])),
    st.builds(Comparison, names, differences, st.sampled_from(["personal", "generic", "tie", "both-bad"]), names),
    st.builds(
        Thumb, names, st.sampled_from(["personal", "generic"]), differences, st.booleans(),
        st.sampled_from([None, "wrong", "too-long"]), names,
    ),
)  # fmt: skip


@given(evidence)
def test_evidence_survives_being_written_to_the_last_bit(value: Evidence) -> None:
    assert read_evidence(write_evidence(value)) == value


def test_threads_read_their_own_writes(store: PreferenceMemory) -> None:
    failures: list[str] = []

    def work(user: str) -> None:
        for n in range(15):
            memory = store.add(user, f"{user} likes number{n}", kind="topical", events=[SHORT])
            hits = store.search(user, f"number{n}")
            if memory.id not in {hit.memory.id for hit in hits} or {hit.memory.user_id for hit in hits} != {user}:
                failures.append(f"{user} {n}")
            if n % 3 == 0:
                store.delete(user, memory.id)

    threads = [Thread(target=work, args=(f"user{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.state().memories == store.state().events == 6 * 10
