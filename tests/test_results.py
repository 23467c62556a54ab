"""The published figures: measured on the weights that are shipped, and what the laws promise holds in them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from readme_parts import ROOT

RESULTS = ROOT / "assets" / "eval"
SHIPPED = ROOT / "assets" / "model"


@cache
def result(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def shipped_sha256(name: str) -> str:
    lines = (SHIPPED / "SHA256").read_text(encoding="utf-8").splitlines()
    return next(line.split()[0] for line in lines if line.split()[1] == name)


@pytest.mark.parametrize("name", ["laws.json", "manifest.json", "bench.json"])
def test_every_result_was_measured_on_the_shipped_weights(name: str) -> None:
    found = result(name)
    manifest = found.get("manifest", found)
    assert manifest["model_sha256"] == shipped_sha256("model.safetensors")
    assert manifest["heads_sha256"] == shipped_sha256("heads.safetensors")


def test_the_laws_were_measured_over_twenty_questions_and_hold() -> None:
    laws = result("laws.json")["laws"]
    assert result("laws.json")["manifest"]["configuration"]["questions"] == 20
    assert laws["hold"], laws
    learned = laws["learning"]
    assert (len(learned["voters"]), learned["median_p_concise"] >= 0.9) == (5, True)
    assert all(voter["length_ratio"] <= 0.8 for voter in learned["voters"])
    assert [law["ratio"] >= 2 and law["generic_identical"] for law in laws["length"]] == [True, True]


def test_the_readme_shows_the_evaluation() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- eval:begin -->")[1].split("<!-- eval:end -->")[0]
    assert "assets/eval" in block
