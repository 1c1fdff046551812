"""``python -m minigrad``: the command ``minigrad``."""

import sys

from .command_line.main import command

if __name__ == "__main__":
    sys.exit(command())
