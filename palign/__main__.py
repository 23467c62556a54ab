"""`python -m palign`. Knows nothing but the command line."""

from __future__ import annotations

import sys

from palign.cli import main

if __name__ == "__main__":
    sys.exit(main())
