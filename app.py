"""Composition root: settings, parts, screen, launch."""

from __future__ import annotations

import logging
import os
import signal
import sys

# Read by libraries while they are imported, so these stand before the imports below.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from palign.compose import build_service
from palign.config import load_settings
from palign.schema import PalignError
from palign.ui.address import choose_port, require_free
from palign.ui.screen import build_screen, serve


def main() -> int:
    """Serve until interrupted; 1 where something a person can mend is in the way."""
    # A polite kill closes the store as an interrupt does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load_settings()
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        logging.getLogger("palign").setLevel(settings.log_level)
        port = choose_port(os.environ)
        require_free(settings.host, port)
        with build_service(settings) as service:
            blocks = build_screen(service, max_new_tokens=settings.max_new_tokens)
            sys.stdout.write(f"palign is at {serve(blocks, host=settings.host, port=port)}\n")
            sys.stdout.flush()
            blocks.block_thread()
    except PalignError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
