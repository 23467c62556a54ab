"""Random histories of two users against a model of plain lists, with a real ledger and a real index."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from word_encoder import WordEncoder

from palign.memory import PreferenceMemory
from palign.schema import Stance

USERS = st.sampled_from(["ann", "bob"])
TEXTS = st.sampled_from([f"{word} topic" for word in ("red", "green", "blue", "long", "short", "cat", "dog")])
KINDS = st.sampled_from(["constraint", "style", "topical"])
SLOTS = st.sampled_from([None, None, "length", "tone"])
STANCES = st.lists(st.builds(Stance, st.sampled_from(["concise", "warm"]), st.sampled_from([-1.0, 0.5])), max_size=2)


class Stores(RuleBasedStateMachine):
    """After any add, edit, pause or delete a search returns only the user's live memories that hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = PreferenceMemory.open(self.folder / "store", WordEncoder())
        # user → memory id → [text, kind, slot, paused, stances]
        self.live: dict[str, dict[str, list[Any]]] = {"ann": {}, "bob": {}}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def pick(self, user: str, data: st.DataObject) -> str | None:
        return data.draw(st.sampled_from(sorted(self.live[user]))) if self.live[user] else None

    def vacate(self, user: str, slot: str | None, keep: str) -> None:
        for id_ in [id_ for id_, row in self.live[user].items() if slot and row[2] == slot and id_ != keep]:
            del self.live[user][id_]

    def restate(self, user: str, id_: str, stances: list[Stance]) -> None:
        """Rows stand in the order they were last stated."""
        row = self.live[user].pop(id_)
        self.live[user][id_] = [*row[:4], stances]

    def overruled(self, user: str) -> set[str]:
        said = [(id_, s) for id_, row in self.live[user].items() if not row[3] for s in row[4]]
        last = {stance.dimension: (id_, stance.strength) for id_, stance in said}
        silent = set()
        for id_, row in self.live[user].items():
            if row[1] != "style" or row[3]:
                continue
            newer = [(s.strength, last[s.dimension][1]) for s in row[4] if last[s.dimension][0] != id_]
            if newer and (len(newer) == len(row[4]) or any(mine * other < 0 for mine, other in newer)):
                silent.add(id_)
        return silent

    @rule(user=USERS, text=TEXTS, kind=KINDS, slot=SLOTS, stances=STANCES)
    def add(self, user: str, text: str, kind: Any, slot: str | None, stances: list[Stance]) -> None:
        twins = [id_ for id_, row in self.live[user].items() if row[0] == text]
        memory = self.store.add(user, text, kind=kind, slot=slot, events=stances)
        if twins:
            assert memory.id == twins[0]
            self.live[user][twins[0]][3] = False
            if stances:
                self.restate(user, twins[0], stances)
        else:
            self.vacate(user, slot, memory.id)
            self.live[user][memory.id] = [text, kind, slot, False, stances]

    @rule(user=USERS, text=TEXTS, kind=KINDS, slot=SLOTS, stances=STANCES, data=st.data())
    def edit(
        self, user: str, text: str, kind: Any, slot: str | None, stances: list[Stance], data: st.DataObject
    ) -> None:
        id_ = self.pick(user, data)
        if id_ is None or any(row[0] == text for other, row in self.live[user].items() if other != id_):
            return
        self.store.edit(user, id_, text, kind=kind, slot=slot, events=stances)
        self.vacate(user, slot, id_)
        self.live[user][id_][:3] = [text, kind, slot]
        self.restate(user, id_, stances)

    @rule(user=USERS, paused=st.booleans(), data=st.data())
    def pause(self, user: str, paused: bool, data: st.DataObject) -> None:
        if id_ := self.pick(user, data):
            self.store.pause(user, id_, paused=paused)
            self.live[user][id_][3] = paused

    @rule(user=USERS, data=st.data())
    def delete(self, user: str, data: st.DataObject) -> None:
        if id_ := self.pick(user, data):
            self.store.delete(user, id_)
            del self.live[user][id_]

    @rule(user=USERS)
    def forget(self, user: str) -> None:
        self.store.forget(user)
        self.live[user].clear()

    @rule(source=USERS, receiver=USERS)
    def carry_over(self, source: str, receiver: str) -> None:
        if not self.live[receiver]:
            self.store.forget(receiver)
            self.store.import_(receiver, self.store.export(source))
            self.live[receiver] = {id_: list(row) for id_, row in self.live[source].items()}

    @precondition(lambda self: any(self.live.values()))
    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = PreferenceMemory.open(self.folder / "store", WordEncoder())

    @invariant()
    def a_search_returns_the_users_live_memories_that_hold_and_no_others(self) -> None:
        for user, live in self.live.items():
            hits = self.store.search(user, "topic")  # half of every text
            silent = self.overruled(user)
            assert {hit.memory.id: hit.memory.text for hit in hits} == {
                id_: row[0] for id_, row in live.items() if not row[3] and id_ not in silent
            }

    @invariant()
    def the_events_that_count_are_the_stances_of_memories_in_use(self) -> None:
        for user, live in self.live.items():
            counted = sorted((event.source_id, repr(event.evidence)) for event in self.store.events(user))
            expected = [(id_, repr(stance)) for id_, row in live.items() if not row[3] for stance in row[4]]
            assert counted == sorted(expected)

    @invariant()
    def ledger_and_index_answer_alike(self) -> None:
        assert self.store.state().index_ready
        keeper = self.store._vault.index
        for user in self.live:
            from_index = self.store.search(user, "red cat topic")
            held, keeper._index = keeper._index, None
            from_ledger = self.store.search(user, "red cat topic")
            keeper._index = held
            assert [hit.memory for hit in from_index] == [hit.memory for hit in from_ledger]
            assert all(abs(a.score - b.score) <= 2e-6 for a, b in zip(from_index, from_ledger, strict=True))


def test_random_histories_of_two_users_keep_every_law() -> None:
    run_state_machine_as_test(
        Stores,
        settings=settings(
            max_examples=8, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
