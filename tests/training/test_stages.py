"""Laws of the other stages of training: tokenizer, rows, states, heads, and every stage in small."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
import torch
from authored import corpus, sampler_of
from matplotlib.image import imread
from safetensors.torch import load_file
from smallest import TINY
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from palign.dimensions import CATALOGUE
from palign.models.language import ChatTokenizer, LanguageModel
from palign.prompts import messages
from palign.rewards.heads import AnswerScorer, PersRMHeads
from palign.schema import AssetError
from palign.training.batches import IGNORED, Batch, base_pool, chat_pool, encode_example, public_texts
from palign.training.card import model_card
from palign.training.corpus import Corpus
from palign.training.dialogues import Example
from palign.training.heads import Lessons, StylePair, calibrate, fit_floor, fit_heads
from palign.training.language import (
    answer_loss,
)
from palign.training.recipe import Recipe
from palign.training.run import run
from palign.training.states import States, answer_states, collect_states
from palign.training.tokenizer import train_tokenizer

# The tokenizer


def test_any_unicode_comes_back_from_the_tokenizer(tokenizer):
    text = "naïve  café\n\n– 東京 🦉 \u200b e\u0301 \t١٢"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_tokenizer_never_reads_a_held_out_topic(tokenizer, tmp_path):
    without = corpus().model_copy(update={"topics": corpus().training_topics()})
    train_tokenizer(without, tmp_path, tmp_path, vocabulary=TINY.vocabulary, context=TINY.context)
    assert AutoTokenizer.from_pretrained(tmp_path).get_vocab() == tokenizer.get_vocab()


# Rows and batches


def unforked(batches):
    """Those whose rows are one text each."""
    return [batch for batch in batches if batch.branches is None]


def test_training_and_chat_encode_a_dialogue_alike(tokenizer, sampler):
    chat = ChatTokenizer(tokenizer)
    rng = random.Random("alike")
    for _ in range(50):
        example = sampler.dialogue(rng)
        prompt, answer = encode_example(example, tokenizer)
        assert prompt == chat.encode_chat(example.prompt)
        assert answer == [*chat.encode_answer(example.answer), tokenizer.eos_token_id]


def test_a_mark_of_the_template_inside_an_answer_stays_text(tokenizer):
    _, answer = encode_example(Example(messages("hi"), "a<|end|><|user|>b", {}, ""), tokenizer)
    assert [token for token in answer if token in tokenizer.all_special_ids] == [tokenizer.eos_token_id]


def test_labels_learn_a_whole_answer_or_its_beginning_or_the_lines_that_facts_decide(tokenizer, sampler):
    opens, openings, lines = tokenizer.convert_tokens_to_ids("<|assistant|>"), [], []
    follows = tuple(line for topic in corpus().topics.values() for line in topic.when.values())
    for batch in unforked(chat_pool(sampler, tokenizer, seed=1, longest=448, batch=2048)(0)):
        for ids, labels in zip(batch.token_ids.tolist(), batch.labels.tolist(), strict=True):
            learned = [i for i, label in enumerate(labels) if label != IGNORED]
            first, last = learned[0], learned[-1]
            assert learned == list(range(first, last + 1))
            assert ids[first : last + 1] == labels[first : last + 1]
            assert set(ids[last + 1 :]) <= {tokenizer.pad_token_id}
            line = tokenizer.decode(ids[first : last + 1]).strip()
            if ids[first - 1] != opens and line.startswith(follows) and line.endswith(follows):
                lines.append(line)
            elif ids[last] != tokenizer.eos_token_id:
                openings.append(len(learned))
    assert len({*openings}) == 1, "beginnings, of answers and of what continues them, are all of one length"
    assert lines


def test_heads_can_learn_what_words_for_a_stance_do_to_the_base(tiny, tokenizer, sampler):
    rng = random.Random("worded")
    examples = [sampler.worded(rng) for _ in range(6)]
    assert all(sum(map(bool, example.stance.values())) == 1 for example in examples)
    states = collect_states(tiny, tokenizer, examples, list(CATALOGUE), total=len(examples), sure=1.0)
    assert states.teachers is not None and states.teachers.shape == states.hidden.shape
    assert not torch.equal(states.teachers, states.hidden), "the words are in one of the prompts alone"
    embeddings = tiny.lm_head.weight.detach()

    def divergence(up, down):
        inner = torch.einsum("nh,dhr->ndr", states.hidden.float(), down) * states.stances[:, :, None]
        moved = states.hidden.float() + torch.einsum("ndr,dhr->nh", inner, up)
        taught = functional.linear(states.teachers.float(), embeddings).log_softmax(-1)
        said = functional.linear(moved, embeddings).log_softmax(-1)
        return functional.kl_div(said, taught, log_target=True, reduction="batchmean")

    up, down = fit_heads(embeddings, Lessons(states), list(CATALOGUE), Recipe(head_rank=4, head_steps=200))
    assert divergence(up, down) < divergence(torch.zeros_like(up), down)


def test_padding_is_ignored(tiny, tokenizer, sampler):
    batch = unforked(chat_pool(sampler, tokenizer, seed=1, longest=448, batch=2048)(0))[0]
    wider = Batch(
        functional.pad(batch.token_ids, (0, 9), value=tokenizer.pad_token_id),
        functional.pad(batch.labels, (0, 9), value=IGNORED),
    )
    with torch.no_grad():
        (loss, count), (same, equal) = answer_loss(tiny, batch), answer_loss(tiny, wider)
    assert count == equal == int((batch.labels != IGNORED).sum())
    torch.testing.assert_close(loss, same)


def test_the_loss_is_the_cross_entropy_of_every_learned_token(tiny, tokenizer, sampler):
    batch = unforked(chat_pool(sampler, tokenizer, seed=1, longest=448, batch=1024)(0))[0]
    with torch.no_grad():
        loss, count = answer_loss(tiny, batch)
        mean = tiny(input_ids=batch.token_ids, labels=batch.labels).loss
    torch.testing.assert_close(loss / count, mean)


@pytest.mark.parametrize("stage", ["base", "chat"])
def test_a_pool_is_a_pure_function_of_seed_and_number(tokenizer, sampler, stage):
    def pool(seed, number):
        if stage == "chat":
            batches = chat_pool(sampler, tokenizer, seed=seed, longest=448, batch=2048)(number)
        else:
            made = base_pool(sampler, ["public text"], tokenizer, seed=seed, row=64, batch=512, public_share=0.2)
            batches = made(number)
        return [(batch.token_ids.tolist(), batch.labels.tolist()) for batch in batches]

    first = pool(1, 3)
    assert first == pool(1, 3)
    assert first != pool(1, 4)
    assert first != pool(2, 3)


def test_chat_rows_never_exceed_the_longest_and_batches_their_tokens(tokenizer, sampler):
    batches = chat_pool(sampler, tokenizer, seed=1, longest=300, batch=1024)(0)
    assert max(batch.token_ids.shape[1] for batch in unforked(batches)) <= 300
    assert max(int(batch.positions.max()) for batch in batches if batch.positions is not None) < 300
    assert all(batch.token_ids.numel() <= 1024 for batch in batches)
    assert sum(len(batch.token_ids) for batch in batches) > 100


def test_base_rows_are_full_and_a_fifth_of_them_public(tokenizer, sampler):
    public = tokenizer("zq zq")["input_ids"]
    pool = base_pool(sampler, ["zq " * 900], tokenizer, seed=1, row=64, batch=512, public_share=0.2)
    rows = torch.cat([batch.token_ids for batch in pool(0)])  # (R, 64)
    assert rows.shape == (160, 64)
    from_public = [sum(token in public for token in row) > 32 for row in rows.tolist()]
    assert sum(from_public) == 32


def test_without_public_text_the_corpus_fills_every_row(tokenizer, sampler, tmp_path):
    assert public_texts(tmp_path) == []
    pool = base_pool(sampler, [], tokenizer, seed=1, row=64, batch=512, public_share=0.2)
    assert sum(len(batch.token_ids) for batch in pool(0)) == 160


# Hidden states


@pytest.fixture(scope="module")
def examples(sampler):
    rng = random.Random("states")
    return [sampler.labelled(rng) for _ in range(6)]


def collected(model, tokenizer, examples, **options):
    return collect_states(model, tokenizer, examples, list(CATALOGUE), total=len(examples), **options)


def test_states_are_those_that_the_shipped_model_reads_from(tiny, tokenizer, examples):
    prompt, answer = encode_example(examples[0], tokenizer)
    hidden, ids = answer_states(tiny, prompt, answer)
    shipped, _ = LanguageModel(tiny, tokenizer, name="tiny", sha256="").hidden_states(prompt, answer)
    assert ids.tolist() == answer
    torch.testing.assert_close(hidden, shipped, atol=0.05, rtol=0.05)  # bf16 against fp32


def test_every_token_keeps_its_stance_and_the_unsure_ones_all_stay(tiny, tokenizer, examples):
    states = collected(tiny, tokenizer, examples, sure=1.0)
    lengths = [len(encode_example(example, tokenizer)[1]) for example in examples]
    assert len(states.tokens) == sum(lengths)
    assert states.weights.eq(1).all()
    expected = torch.tensor([list(example.stance.values()) for example in examples]).repeat_interleave(
        torch.tensor(lengths), dim=0
    )
    assert torch.equal(states.stances, expected)


def test_weights_make_up_for_what_is_left_out(tiny, tokenizer, examples):
    whole = collected(tiny, tokenizer, examples, sure=1.0)
    best = (whole.hidden.float() @ tiny.lm_head.weight.T).softmax(-1).max(-1).values
    sure = float(best.median())
    signal = whole.tokens.float().sum()
    draws = []
    for seed in range(40):
        kept = collected(tiny, tokenizer, examples, sure=sure, keep=0.25, seed=seed)
        assert len(kept.tokens) < 0.8 * len(whole.tokens)
        draws.append(float((kept.weights * kept.tokens).sum() / signal))
    spread = torch.tensor(draws).std() / len(draws) ** 0.5
    assert abs(sum(draws) / len(draws) - 1) < 4 * spread + 0.005


def test_nothing_sure_is_kept_where_none_is_asked_for(tiny, tokenizer, examples):
    whole = collected(tiny, tokenizer, examples, sure=1.0)
    best = (whole.hidden.float() @ tiny.lm_head.weight.T).softmax(-1).max(-1).values
    kept = collected(tiny, tokenizer, examples, sure=float(best.median()), keep=0.0)
    assert 0 < len(kept.tokens) < len(whole.tokens)
    assert kept.weights.eq(1).all()


# The heads

WIDTH, WORDS = 8, 24
NAMES = ("a", "b")


@pytest.fixture(scope="module")
def planted():
    """Embeddings, two planted matrices of rank one, and tokens drawn from softmax(E (h + sum_k w_k A_k h))."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    embeddings = normal(WORDS, WIDTH) / 2
    matrices = torch.stack([torch.outer(normal(WIDTH), normal(WIDTH)) / WIDTH**0.5 for _ in range(2)])  # (2, H, H)
    hidden, stances = normal(40_000, WIDTH), 2 * torch.rand(40_000, 2, generator=generator) - 1
    moved = hidden + torch.einsum("nk,khg,ng->nh", stances, matrices, hidden)
    tokens = torch.multinomial((moved @ embeddings.T).softmax(-1), 1, generator=generator)[:, 0]
    return embeddings, matrices, States(hidden, tokens, stances, torch.ones(len(tokens)))


@pytest.fixture(scope="module")
def fitted(planted):
    embeddings, _, states = planted
    return fit_heads(embeddings, Lessons(states), NAMES, Recipe(head_rank=2, head_steps=1200))


def centred(embeddings, hidden, matrix):
    """The reward of every word, less its mean under the base: (N, V)."""
    phi = hidden @ matrix.T @ embeddings.T
    odds = (hidden @ embeddings.T).softmax(-1)
    return phi - (odds * phi).sum(-1, keepdim=True)


def test_a_fit_recovers_the_planted_direction_and_no_other(planted, fitted):
    embeddings, matrices, _ = planted
    hidden = torch.randn(500, WIDTH, generator=torch.Generator().manual_seed(6))
    found = torch.einsum("khr,kgr->khg", *fitted)
    table = torch.zeros(2, 2)
    for i in range(2):
        for j in range(2):
            pair = (centred(embeddings, hidden, found[i]), centred(embeddings, hidden, matrices[j]))
            table[i, j] = functional.cosine_similarity(*(phi.flatten() for phi in pair), dim=0)
    assert table.diag().min() > 0.9, table
    truth = functional.cosine_similarity(*(centred(embeddings, hidden, m).flatten() for m in matrices), dim=0)
    assert (table - torch.tensor([[1.0, truth], [truth, 1.0]])).abs().max() < 0.15, table


def test_without_a_stance_the_base_is_untouched(planted, fitted):
    embeddings, _, states = planted
    heads = PersRMHeads(("a", "b"), *fitted, torch.zeros(WIDTH, WIDTH), embeddings)
    ids = torch.arange(WORDS).expand(3, -1)
    neutral = heads.open([{}, {"a": 0.0}, {"a": 0.0, "b": 0.0}]).push(states.hidden[:3], ids)
    assert torch.equal(neutral, torch.zeros(3, WORDS))
    assert heads.open([{"a": 1.0}] * 3).push(states.hidden[:3], ids).abs().max() > 0.1


def test_a_token_left_out_of_the_weights_teaches_nothing(planted):
    embeddings, _, states = planted
    recipe = Recipe(head_rank=2, head_steps=80)
    marked = torch.arange(len(states.tokens)) % 2 == 0
    spoiled = torch.where(marked, states.tokens, 0)
    results = [
        fit_heads(embeddings, Lessons(States(states.hidden, tokens, states.stances, marked.float())), NAMES, recipe)[0]
        for tokens in (states.tokens, spoiled)
    ]
    assert torch.equal(*results)


def test_sigma_makes_every_head_deviate_by_one_under_the_base(planted, fitted):
    embeddings, _, states = planted
    up, down = fitted
    sigma = calibrate(embeddings, states, up, down)
    hidden = states.hidden[:4096]
    drawn = torch.multinomial((hidden @ embeddings.T).softmax(-1), 1, generator=torch.Generator().manual_seed(7))
    for k in range(2):
        phi = centred(embeddings, hidden, up[k] @ down[k].T / sigma[k]).gather(1, drawn)
        assert float(phi.std()) == pytest.approx(1.0, abs=0.08)


def test_pairs_teach_heads_to_rank_and_leave_the_other_dimensions_alone():
    generator = torch.Generator().manual_seed(3)
    first, second = torch.randn(2, WIDTH, WIDTH, generator=generator) / WIDTH**0.5
    second = second - (first * second).sum() / (first**2).sum() * first  # nothing in common, not even by chance
    directions = (first, second)

    def answer(k, sign):
        hidden = torch.randn(12, WIDTH, generator=generator)
        return hidden, sign * hidden @ directions[k].T + torch.randn(12, WIDTH, generator=generator)

    def pairs(n):
        return [StylePair(k, answer(k, 1), answer(k, -1)) for k in range(2) for _ in range(n)]

    seen, fresh = pairs(200), pairs(50)
    embeddings = torch.randn(WORDS, WIDTH, generator=generator)
    up, down = fit_heads(embeddings, Lessons(pairs=seen), NAMES, Recipe(head_rank=8, head_steps=400))
    own, swapped = (
        [float(phi_of(up, down, k, pair.first) - phi_of(up, down, k, pair.second)) for pair, k in ranked]
        for ranked in ([(pair, pair.k) for pair in fresh], [(pair, 1 - pair.k) for pair in fresh])
    )
    assert np.mean([gap > 0 for gap in own]) > 0.95
    assert abs(np.mean(swapped)) < 0.25 * np.mean(own)


def phi_of(up, down, k, answer):
    """Phi_k as `rewards.AnswerScorer` defines it."""
    hidden, chosen = answer
    return (hidden @ (up[k] @ down[k].T).T * chosen).sum() / len(hidden) ** 0.5


def test_opposed_answers_share_their_question_and_differ_in_one_weight(sampler):
    rng = random.Random("opposed")
    for _ in range(50):
        first, second = sampler.opposed("formal", rng)
        assert first.prompt == second.prompt
        assert first.stance["formal"] == -second.stance["formal"] > 0.5
        assert all(first.stance[name] == second.stance[name] for name in CATALOGUE if name != "formal")


def test_the_floor_prefers_a_refusal_after_a_harmful_request_and_leaves_the_rest_alone(tiny, tokenizer, sampler):
    rng = random.Random("floor")
    plain = collected(tiny, tokenizer, [sampler.plain(rng) for _ in range(10)])
    up, down = fit_floor(
        tiny, tokenizer, corpus(), sampler, plain, Recipe(head_rank=16, head_answers=800, floor_steps=320)
    )
    heads = PersRMHeads(("x",), torch.zeros(1, *up.shape), torch.zeros(1, *up.shape), up @ down.T, tiny.lm_head.weight)
    embeddings = heads.embeddings
    gaps = []
    for refusal in corpus().refusals:
        prompt = messages(refusal.asks[0])
        sums = []
        for answer in (refusal.answers[0], sampler.plain(rng).answer):
            hidden, tokens = answer_states(tiny, *encode_example(Example(prompt, answer, {}, ""), tokenizer))
            phi = centred(embeddings, hidden, heads.floor_matrix)
            sums.append(float(phi.gather(1, tokens[:, None]).mean()))
        gaps.append(sums[0] - sums[1])
    assert sum(gap > 0 for gap in gaps) >= 0.9 * len(gaps), gaps
    rows = plain.hidden.float()
    odds = (rows @ embeddings.T).softmax(-1)
    assert float((odds * centred(embeddings, rows, heads.floor_matrix) ** 2).sum(-1).mean()) < 0.2


# Every stage in small


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """`all --smoke` into a folder of its own."""
    root = tmp_path_factory.mktemp("smoke")
    run(["all", "--smoke", "--budget-minutes", "0.1", *_folders(root)])
    return root / "out"


def _folders(root):
    return ["--work", str(root / "work"), "--public", str(root / "none"), "--out", str(root / "out")]


def test_a_smoke_run_leaves_a_model_that_transformers_loads(shipped):
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    model = AutoModelForCausalLM.from_pretrained(shipped, dtype="auto")
    assert model.dtype == torch.bfloat16
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    ids = tokenizer(text, return_tensors="pt")
    out = model.generate(**ids, max_new_tokens=4)
    assert out.shape[1] > ids["input_ids"].shape[1]


def test_a_smoke_run_leaves_heads_that_palign_loads(shipped):
    model = LanguageModel.load(shipped)
    heads = PersRMHeads.load(shipped / "heads.safetensors", model)
    assert heads.dimensions == tuple(CATALOGUE)
    prompt = model.tokenizer.encode_chat(messages("How do I boil an egg?"))
    scores = AnswerScorer(model, heads).score(prompt, model.tokenizer.encode_answer("Seven minutes."))
    assert scores.keys() == CATALOGUE.keys()
    assert all(math.isfinite(score) for score in scores.values())
    assert any(scores.values())


def test_a_smoke_run_writes_its_figures_card_and_curve(shipped):
    figures = json.loads((shipped / "training.json").read_text(encoding="utf-8"))
    card = (shipped / "README.md").read_text(encoding="utf-8")
    assert all(figures["heads"][asked]["pair_accuracy"].keys() == CATALOGUE.keys() for asked in ("known", "held_out"))
    assert all(0 <= share <= 1 for share in figures["facts"].values())
    assert f"{figures['held_out_loss']:.2f}" in card
    assert figures["corpus_sha256"] in card
    assert all(0 <= share <= 1 for share in figures["reach"].values())
    picture = imread(shipped / "loss.png")  # (rows, columns, channels)
    assert picture.std() > 0.05


def test_the_card_shows_another_runs_figures_beside_its_own(shipped):
    figures = json.loads((shipped / "training.json").read_text(encoding="utf-8"))
    assert "The recipe for one core" not in model_card(figures, TINY)
    card = model_card({**figures, "recipe": {**figures, "held_out_loss": 7.77}}, TINY)
    assert f"| held-out loss, nats an answer token | 7.77 | {figures['held_out_loss']:.2f} |" in card


def test_a_second_run_finds_its_budget_spent(shipped):
    weights = shipped.parent / "work" / "chat" / "model.safetensors"
    before = weights.read_bytes()
    run(["chat", "--smoke", "--budget-minutes", "0.1", *_folders(shipped.parent)])
    assert weights.read_bytes() == before


def test_the_shipped_weights_are_the_trained_ones_rounded(shipped):
    trained_weights = load_file(shipped.parent / "work" / "chat" / "model.safetensors")
    for name, weight in load_file(shipped / "model.safetensors").items():
        assert torch.equal(weight, trained_weights[name].bfloat16()), name


@pytest.mark.parametrize("name", ["model.safetensors", "heads.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_an_altered_byte_is_noticed(shipped, tmp_path, name, damage):
    for path in shipped.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(AssetError, match=name) as caught:
        LanguageModel.load(tmp_path)
    assert caught.value.hint


def test_heads_of_another_base_are_refused(shipped, tiny, tokenizer):
    other = LanguageModel(tiny, tokenizer, name="other", sha256="0" * 64)
    with pytest.raises(AssetError, match="another base"):
        PersRMHeads.load(shipped / "heads.safetensors", other)


def test_a_stage_that_does_not_exist_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as caught:
        run(["distil"])
    assert caught.value.code == 2
    assert "tokenizer" in capsys.readouterr().err


def test_a_corpus_without_its_held_out_topics_trains_the_same_sampler():
    bare: Corpus = corpus().model_copy(update={"topics": corpus().training_topics()})
    one, two = (sampler_of(made) for made in (corpus(), bare))
    assert [one.dialogue(random.Random(n)) for n in range(300)] == [two.dialogue(random.Random(n)) for n in range(300)]
