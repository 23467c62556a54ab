"""Where the screen listens: port and host from the environment, and a port that is taken."""

from __future__ import annotations

import socket

import pytest

from palign.config import load_settings
from palign.schema import ConfigError
from palign.ui.address import choose_port, require_free


def test_port_comes_before_gradios_variable_and_both_before_the_default() -> None:
    assert choose_port({"PORT": "8001", "GRADIO_SERVER_PORT": "8002"}) == 8001
    assert choose_port({"PORT": "", "GRADIO_SERVER_PORT": "8002"}) == 8002
    assert choose_port({}) == 7860


def test_the_host_is_palign_host_then_gradios_variable_then_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    assert load_settings().host == "127.0.0.1"
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    assert load_settings().host == "0.0.0.0"
    monkeypatch.setenv("PALIGN_HOST", "::1")
    assert load_settings().host == "::1"
    monkeypatch.setenv("PALIGN_HOST", "")
    assert load_settings().host == "0.0.0.0"


@pytest.mark.parametrize("value", ["web", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_names_its_variable(value: str) -> None:
    with pytest.raises(ConfigError, match="GRADIO_SERVER_PORT"):
        choose_port({"GRADIO_SERVER_PORT": value})


def test_an_occupied_port_is_a_config_error_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port}.*another"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
