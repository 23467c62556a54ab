"""What every test stands on: no network, no shared disk, no outside settings, and a Chromium where there is one."""

from __future__ import annotations

import os

# Before any library that reads them is imported.
os.environ.update(
    {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "ANONYMIZED_TELEMETRY": "False",
        "TOKENIZERS_PARALLELISM": "false",
        "MPLBACKEND": "agg",
    }
)

from collections.abc import Iterator
from pathlib import Path

import browser
import hypothesis
import pytest
from network_guard import NetworkGuard

hypothesis.settings.register_profile(
    "palign",
    deadline=None,  # a slow machine is not a broken law
    derandomize="CI" in os.environ,  # the same examples on every CI run; new ones on a desk
    print_blob=True,
)
hypothesis.settings.load_profile("palign")


@pytest.fixture(scope="session", autouse=True)
def network_guard() -> Iterator[NetworkGuard]:
    """Offline for the whole session, session fixtures included."""
    with NetworkGuard().active() as guard:
        yield guard


@pytest.fixture(autouse=True)
def stays_offline(network_guard: NetworkGuard) -> Iterator[None]:
    """Fail the test that tried, even where a library swallowed the refusal."""
    before = len(network_guard.attempts)
    yield
    if tried := network_guard.attempts[before:]:
        pytest.fail(f"The network was tried: {'; '.join(tried)}")


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings are the defaults, and the store is this test's own folder."""
    for name in [name for name in os.environ if name.startswith("PALIGN_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    monkeypatch.setenv("PALIGN_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium; only for tests marked `browser`, which are left out without one."""
    path = browser.find_chromium()
    assert path is not None, "A test that asks for Chromium carries the mark `browser`."
    return path


LEFT_OUT = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)  # after `-m` and `-k` have taken theirs out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave browser tests out, and count them, where no Chromium is installed."""
    config.stash[LEFT_OUT] = 0
    marked = [item for item in items if item.get_closest_marker("browser")]
    if not marked or browser.find_chromium():
        return
    if browser.required():
        raise pytest.UsageError(f"PALIGN_REQUIRE_BROWSER is set and no Chromium was found: {browser.ADVICE}.")
    for item in marked:
        item.add_marker(pytest.mark.skip(reason="no Chromium"))
    config.stash[LEFT_OUT] = len(marked)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line what a missing browser cost."""
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"No Chromium found, {left_out} browser tests left out: {browser.ADVICE}.")
