"""What the store does when the disk, the files, another process or the index turn against it."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from word_encoder import WordEncoder

from palign.memory import PreferenceMemory, rows
from palign.memory.index import BrokenIndexError, VectorIndex
from palign.schema import ErasureError, Memory, MemoryStoreError, Stance, Turn

SECRET = "zanzibarquince"
WIDTH = 4 * WordEncoder().dim  # bytes of a vector


def open_store(folder: Path, encoder: WordEncoder | None = None) -> PreferenceMemory:
    return PreferenceMemory.open(folder, encoder or WordEncoder())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one memory and one stance of ann's, closed in order."""
    with open_store(tmp_path / "store") as store:
        store.add("ann", "likes green tea", kind="topical", events=[Stance("warm", 0.5)])
    return tmp_path / "store"


def index_of(folder: Path) -> Path:
    (directory,) = folder.glob("index-*")
    return directory


def require_whole(folder: Path) -> None:
    with open_store(folder) as store:
        assert [hit.memory.text for hit in store.search("ann", "tea")] == ["likes green tea"]
        assert len(store.events("ann")) == 1
        assert store.state().index_ready


# One owner


def test_a_second_opening_is_refused_with_a_hint_and_harms_nothing(folder: Path) -> None:
    with open_store(folder) as store:
        with pytest.raises(MemoryStoreError, match=r"in use by another process.*PALIGN_DATA"):
            open_store(folder)
        store.add("ann", "still writes", kind="topical")
    require_whole(folder)


def test_a_second_process_is_refused_with_a_hint(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from word_encoder import WordEncoder\n"
        "from palign.memory import PreferenceMemory; from palign.schema import MemoryStoreError\n"
        "try: PreferenceMemory.open(Path(sys.argv[1]), WordEncoder())\n"
        "except MemoryStoreError as error: sys.exit(str(error))"
    )
    with open_store(folder):
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], env={**os.environ, "PYTHONPATH": path}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "in use by another process" in done.stderr


# Erasing


def words_on_disk(folder: Path, words: str) -> list[str]:
    needles = [words.encode(), words.encode("utf-16-le"), words.encode("utf-16-be")]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(needle in path.read_bytes() for needle in needles)]


def vector_on_disk(folder: Path, words: str) -> list[str]:
    """Files that hold the words' vector as float32."""
    raw = WordEncoder().encode_document([words])[0].tobytes()
    return [str(path) for path in folder.rglob("*") if path.is_file() and raw in path.read_bytes()]


def tell_secrets(store: PreferenceMemory, count: int) -> None:
    for n in range(count):
        kept = store.add("ann", f"{SECRET} {n} " + "and more " * (n % 90), kind="topical", provenance=f"t{n}")
        store.add("bob", f"something else {n} " + "of any length " * (n % 50), kind="topical")
        turn = Turn("ann", f"t{n}", 1.0, f"{SECRET}?", SECRET * 50, f"yes, {SECRET}", 1, {}, (kept.id,), {}, "")
        store.add_turn(turn)
        if n % 3 == 0:
            store.edit("ann", kept.id, f"edited {SECRET} {n}", kind="topical")


def test_after_forgetting_no_file_holds_the_words(folder: Path) -> None:
    with open_store(folder) as store:
        tell_secrets(store, 40)
        store._vault.ledger.checkpoint()
        assert words_on_disk(folder, SECRET), "the scan itself must be able to find them"
        assert vector_on_disk(folder, f"edited {SECRET} 0")
        store.forget("ann")
        assert words_on_disk(folder, SECRET) == []
        assert vector_on_disk(folder, f"edited {SECRET} 0") == []
        assert len(store.memories("bob")) == 40
        assert store.state().index_ready
        history = store._vault.ledger.read("SELECT * FROM history WHERE action = 'forget'")
        assert [row["user_id"] for row in history] == ["ann"]
    assert words_on_disk(folder, SECRET) == []


def test_forgetting_erases_the_copies_that_moving_cells_left_in_the_ledger(tmp_path: Path) -> None:
    chance, ids = random.Random(0), []
    with open_store(tmp_path / "store") as store:
        with store._vault.writing("ann") as (db, _):  # one transaction, for speed
            for n in range(3_000):
                user, words = chance.choice([("ann", SECRET), ("bob", "something else")])
                text = f"{words} {n} " * chance.randint(1, 60)
                rows.insert_memory(db, Memory(user, str(n), text, "topical", "typed", 1.0), bytes(WIDTH))
                ids += [str(n)] if user == "ann" else []
                if n % 5 == 0:
                    rows.delete_memories(db, "ann", [ids.pop(chance.randrange(len(ids)))] if ids else [], 1.0)
        store.forget("ann")
        assert words_on_disk(tmp_path, SECRET) == []


def test_after_deleting_and_closing_no_file_holds_the_words(folder: Path) -> None:
    with open_store(folder) as store:
        tea = store.memories("ann")[0]
        tell_secrets(store, 10)
        for memory in store.memories("ann"):
            if memory.id != tea.id:
                store.delete("ann", memory.id)
        assert store.search("ann", SECRET) == ()
    assert words_on_disk(folder, SECRET) == []
    require_whole(folder)


def test_a_day_after_deleting_the_next_write_erases_the_words(tmp_path: Path) -> None:
    now = [1_000.0]
    with PreferenceMemory.open(tmp_path / "store", WordEncoder(), clock=lambda: now[0]) as store:
        store.delete("ann", store.add("ann", SECRET, kind="topical").id)
        store.add("ann", "something else", kind="topical")
        assert words_on_disk(tmp_path, SECRET)
        now[0] += 86_401
        store.add("ann", "the next day", kind="topical")
        assert words_on_disk(tmp_path, SECRET) == []
        assert store.state().index_ready


def test_an_erasure_that_a_crash_cut_short_is_finished_at_the_next_opening(folder: Path) -> None:
    store = open_store(folder)
    store.delete("ann", store.add("ann", SECRET, kind="topical").id)
    crashed = folder.parent / "crashed"
    shutil.copytree(folder, crashed)  # as a killed process leaves it: log not merged, flag not set
    store.close()
    assert words_on_disk(crashed, SECRET)
    require_whole(crashed)
    assert words_on_disk(crashed, SECRET) == []


def test_words_that_another_reader_keeps_on_the_disk_are_not_called_erased_and_go_once_it_is_gone(folder: Path) -> None:
    with open_store(folder) as store:
        store.add("ann", SECRET, kind="topical")
        reader = sqlite3.connect(store._vault.ledger.path or "")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM memories").fetchall()
        with pytest.raises(ErasureError, match="Another program"):
            store.forget("ann")
        assert store.memories("ann") == ()
        assert words_on_disk(folder, SECRET)
        reader.close()
    assert words_on_disk(folder, SECRET) == []


def test_a_temporary_store_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with PreferenceMemory.temporary(WordEncoder()) as store, PreferenceMemory.temporary(WordEncoder()) as other:
        store.add("ann", SECRET, kind="topical")
        assert [hit.memory.text for hit in store.search("ann", SECRET)] == [SECRET]
        assert other.search("ann", SECRET) == ()
    assert list(tmp_path.iterdir()) == []


# The index


def test_the_index_never_writes_memory_it_did_not_clear(folder: Path) -> None:
    with open_store(folder) as store, PreferenceMemory.temporary(WordEncoder()) as other:
        for n in range(130):  # past the graph's first size
            other.add("ann", f"number {n}", kind="topical")
        store.import_("ann", other.export("ann"))
    graphs = [path for path in index_of(folder).rglob("*.bin") if path.name != "header.bin"]
    assert graphs
    assert [path.name for path in graphs if any(path.read_bytes())] == []


@pytest.mark.parametrize("damage", ["truncate", "alter", "remove a file", "add a file", "remove all", "empty sqlite"])
def test_a_damaged_index_is_rebuilt_and_loses_nothing(folder: Path, damage: str) -> None:
    before = index_of(folder)
    file = before / "chroma.sqlite3"
    content = file.read_bytes()
    match damage:
        case "truncate":
            file.write_bytes(content[: len(content) // 2])
        case "alter":
            file.write_bytes(content[:5_000] + b"\xff" + content[5_001:])
        case "remove a file":
            file.unlink()
        case "add a file":
            (before / "stray").write_bytes(b"x")
        case "remove all":
            shutil.rmtree(before)
        case "empty sqlite":
            file.write_bytes(b"")
    require_whole(folder)
    assert index_of(folder) != before


def test_a_clean_index_is_used_again(folder: Path) -> None:
    before = index_of(folder)
    require_whole(folder)
    assert index_of(folder) == before


def test_an_index_that_was_not_closed_in_order_is_rebuilt(folder: Path) -> None:
    store = open_store(folder)
    crashed = folder.parent / "crashed"
    shutil.copytree(folder, crashed)
    name = index_of(crashed).name
    store.close()
    require_whole(crashed)
    assert index_of(crashed).name != name


def test_when_chroma_fails_the_write_stands_and_the_ledger_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise BrokenIndexError("planted")

    with open_store(folder) as store:
        monkeypatch.setattr(VectorIndex, "put", fail)
        with caplog.at_level(logging.WARNING):
            store.add("ann", "likes black coffee", kind="topical")
        assert "planted" in caplog.text
        assert not store.state().index_ready
        assert [hit.memory.text for hit in store.search("ann", "coffee")] == ["likes black coffee"]
    monkeypatch.undo()
    with open_store(folder) as store:
        assert store.state().index_ready
        assert [hit.memory.text for hit in store.search("ann", "coffee")] == ["likes black coffee"]


def test_an_index_that_lost_an_entry_is_noticed_and_the_ledger_answers(folder: Path) -> None:
    with open_store(folder) as store:
        index = store._vault.index._index
        assert index is not None
        index.remove("ann", [store.memories("ann")[0].id])
        assert [hit.memory.text for hit in store.search("ann", "tea")] == ["likes green tea"]
        assert not store.state().index_ready
    require_whole(folder)


def test_a_bad_env_file_in_the_working_directory_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("IS_PERSISTENT=perhaps\nPERSIST_DIRECTORY=/nowhere\n")
    monkeypatch.chdir(tmp_path)
    require_whole(folder)


def test_vectors_of_another_encoder_are_made_anew_and_never_mixed(folder: Path) -> None:
    other = WordEncoder("other words", dim=32)
    before = index_of(folder)
    with open_store(folder, other) as store:
        (hit,) = store.search("ann", "likes green tea")
        assert hit.score == 1.0
        assert store.state().encoder == "other words"
        assert store.state().index_ready
    assert index_of(folder) != before
    with open_store(folder) as store:
        assert store.search("ann", "likes green tea")[0].score == 1.0


# The ledger


@pytest.mark.parametrize("damage", ["no database", "half of it", "empty", "gone"])
def test_a_damaged_ledger_is_a_clear_error_and_is_left_alone(folder: Path, damage: str) -> None:
    ledger = folder / "ledger.sqlite3"
    whole = ledger.read_bytes()
    damaged = {"no database": b"x" * 5_000, "half of it": whole[: len(whole) // 2], "empty": b"", "gone": None}[damage]
    if damaged is None:
        ledger.unlink()
    else:
        ledger.write_bytes(damaged)
    with pytest.raises(MemoryStoreError, match="back from a backup"):
        open_store(folder)
    assert (ledger.read_bytes() if ledger.exists() else None) == damaged
    ledger.write_bytes(whole)
    require_whole(folder)


def test_a_ledger_of_a_newer_palign_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "ledger.sqlite3") as db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    db.close()
    with pytest.raises(MemoryStoreError, match="schema 99"):
        open_store(folder)


def test_a_full_disk_is_a_clear_error_and_what_was_stored_is_there(folder: Path) -> None:
    with open_store(folder) as store:
        pages = store._vault.ledger.read("PRAGMA page_count")[0][0]
        store._vault.ledger.read(f"PRAGMA max_page_count = {pages}")
        stored = []
        with pytest.raises(MemoryStoreError, match="Free some space"):
            for n in range(100):
                stored.append(store.add("ann", f"{n} " + "long " * 150, kind="topical", events=[Stance("warm", 1.0)]))
        assert [memory.id for memory in store.memories("ann")[1:]] == [memory.id for memory in stored]
        assert len(store.events("ann")) == 1 + len(stored)
        store._vault.ledger.read("PRAGMA max_page_count = 1000000")
        store.add("ann", "room again", kind="topical")
    require_whole_plus = open_store(folder)
    assert require_whole_plus.state().memories == len(stored) + 2
    require_whole_plus.close()


@pytest.mark.parametrize("path", ["file", "file/below", "/proc/palign"])
def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MemoryStoreError, match="PALIGN_DATA"):
        open_store(tmp_path / path)


@contextmanager
def without_privileges() -> Iterator[None]:
    """The superuser may write anywhere; rights only count for somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_folder(folder: Path) -> Iterator[Path]:
    """The store where anybody may read and nobody may write, below folders anybody may enter."""
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        public = Path(root) / "store"
        shutil.copytree(folder, public)
        for path in [public, *public.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield public
        for path in [public, *public.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_read_only_folder_is_a_clear_error_and_nothing_is_lost(public_folder: Path, tmp_path: Path) -> None:
    with without_privileges(), pytest.raises(MemoryStoreError, match="PALIGN_DATA"):
        open_store(public_folder)
    writable = tmp_path / "writable"
    shutil.copytree(public_folder, writable)
    for path in [writable, *writable.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    require_whole(writable)


def test_a_read_only_ledger_in_a_writable_folder_is_a_clear_error(public_folder: Path) -> None:
    public_folder.chmod(0o777)
    (public_folder / "lock").chmod(0o666)
    with without_privileges(), pytest.raises(MemoryStoreError, match="PALIGN_DATA"):
        open_store(public_folder)


def test_only_the_owner_may_read_the_store(folder: Path) -> None:
    assert {oct(path.stat().st_mode & 0o077) for path in [folder, *folder.glob("ledger*"), index_of(folder)]} == {"0o0"}


def test_a_closed_store_refuses_and_closes_twice(folder: Path) -> None:
    store = open_store(folder)
    store.close()
    store.close()
    with pytest.raises(MemoryStoreError):
        store.memories("ann")
    require_whole(folder)
