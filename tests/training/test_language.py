"""Laws of the language-model stages: steps, checkpoints and several processes."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch
import torch.distributed as together
from safetensors.torch import load_file, save_file
from smallest import TINY
from torch import multiprocessing
from torch.nn import functional

from palign.training import language
from palign.training.batches import Batch
from palign.training.language import (
    Progress,
    load_language_model,
    new_language_model,
    train_language_model,
)


class Clock:
    """A minute passes between any two looks."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 60.0
        return self.now


def random_pool(number):
    """Five batches of tokens; 60 s a step make a checkpoint of every pool."""
    rows = torch.randint(6, 60, (5, 4, 32), generator=torch.Generator().manual_seed(number))
    return [Batch(row, row) for row in rows]


@pytest.fixture(scope="module")
def trained(tokenizer, encoder):
    def train(folder, pool=random_pool, *, minutes=30.0):
        model = new_language_model(TINY, tokenizer, encoder)
        progress = train_language_model(model, pool, folder, recipe=TINY, minutes=minutes, rate_from=1.0, rate_to=0.1)
        return model, progress

    return train


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(language, "time", Clock())


def test_two_runs_of_one_seed_end_with_equal_weights(trained, tmp_path, clock):
    (one, first), (two, second) = (trained(tmp_path / name) for name in ("one", "two"))
    assert first == second
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, two.state_dict()[name]), name


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(trained, tmp_path, clock):
    class PowerCutError(Exception):
        pass

    asked = []

    def cut(number):
        if number == 3:
            raise PowerCutError
        return random_pool(number)

    def noted(number):
        asked.append(number)
        return random_pool(number)

    whole, progress = trained(tmp_path / "whole")
    with pytest.raises(PowerCutError):
        trained(tmp_path / "cut", cut)
    resumed, same = trained(tmp_path / "cut", noted)
    assert asked == list(range(3, progress.pools))
    assert same == progress
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_a_spent_budget_buys_no_further_step(trained, tmp_path, clock):
    model, progress = trained(tmp_path)
    again, same = trained(tmp_path, pytest.fail)
    assert same == progress
    assert torch.equal(model.lm_head.weight, again.lm_head.weight)


def test_tokens_are_counted_and_the_loss_falls_on_what_repeats(trained, tmp_path, clock):
    _, progress = trained(tmp_path, lambda _: random_pool(0), minutes=120.0)
    losses = [loss for _, loss in progress.losses]
    assert progress.tokens == 120 * 4 * 32
    assert losses[0] == pytest.approx(math.log(TINY.vocabulary), rel=0.1)
    assert losses[-1] < losses[0] - 1


def test_a_checkpoint_says_how_far_it_came(trained, tmp_path, clock):
    _, progress = trained(tmp_path)
    fields = json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))
    losses = tuple(map(tuple, fields.pop("losses")))
    assert Progress(**fields, losses=losses) == progress


def test_words_alike_are_neighbours_before_the_first_step(tokenizer, encoder):
    wide = dataclasses.replace(TINY, hidden=320, heads=5)
    table = new_language_model(wide, tokenizer, encoder).get_input_embeddings().weight.detach()

    def alike(one, other):
        first, second = (tokenizer(word)["input_ids"] for word in (one, other))
        assert len(first) == len(second) == 1
        return functional.cosine_similarity(table[first], table[second]).item()

    assert alike(" before", " after") > 0.3 > abs(alike(" before", " water"))


def of_two(rank, folder, checkpoint):
    """One of two processes that train together."""
    language.time = Clock()
    together.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    model = load_language_model(folder / "start")
    train_language_model(model, random_pool, checkpoint, recipe=TINY, minutes=20, rate_from=1.0, rate_to=0.1)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    save_file(weights, folder / f"process {rank}.safetensors")


def test_two_processes_take_the_steps_that_one_would(tokenizer, encoder, tmp_path, clock):
    new_language_model(TINY, tokenizer, encoder).save_pretrained(tmp_path / "start")
    alone = load_language_model(tmp_path / "start")
    progress = train_language_model(
        alone, random_pool, tmp_path / "alone", recipe=TINY, minutes=20, rate_from=1.0, rate_to=0.1
    )
    multiprocessing.spawn(of_two, (tmp_path, tmp_path / "shared"), nprocs=2)
    said = json.loads((tmp_path / "shared" / "progress.json").read_text(encoding="utf-8"))
    assert (said["tokens"], said["pools"]) == (progress.tokens, progress.pools)
    assert [loss for _, loss in said["losses"]] == pytest.approx([loss for _, loss in progress.losses], rel=0.01)
    one, other = (load_file(tmp_path / f"process {rank}.safetensors") for rank in (0, 1))
    for name, weight in one.items():
        assert torch.equal(weight, other[name]), name
