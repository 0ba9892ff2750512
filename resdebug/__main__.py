"""``python -m resdebug``."""

import sys

from resdebug.cli import main

if __name__ == "__main__":
    sys.exit(main())
