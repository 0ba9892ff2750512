"""``python -m resdebug``, and the command itself."""

import sys


def main() -> int:
    """Run the command line and return its exit code, also where somebody interrupts it before it has begun."""
    try:
        from resdebug.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
