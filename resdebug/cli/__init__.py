"""Commands: arguments in, exit codes out; no logic of its own. Whatever is not needed for ``--help`` is imported late.

Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Literal

from resdebug.errors import ResdebugError, render


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if "numpy" not in sys.modules:
        # The threads are ours: see resdebug.ops.threads.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--diagnostics=json" in arguments or "--diagnostics json" in " ".join(arguments)
    form: Literal["text", "json"] = "json" if as_json else "text"
    for stream in (sys.stdout, sys.stderr):
        # Where the locale has no mathematics it is spelled out, not a reason to break off.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        from resdebug.cli.parser import parse

        options = parse(arguments)
        code: int = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except ResdebugError as error:
        print(render(error.faults, form), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _abandon_stdout()
        return 141
    except OSError as error:
        _abandon_stdout()
        print(f"error[X004]: writing broke off: {error.strerror or error}", file=sys.stderr)
        return 74
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours, told without a traceback
        return report_bug(error)
    return code


def report_bug(error: BaseException) -> int:
    """Write a crash file, say where it is, and return the exit code for a bug of ours."""
    from resdebug.cli.crash import write_crash

    what = f"{type(error).__name__} in resdebug itself, not in your input"
    print(f"error: {what}\n  hint: please report it with {write_crash(error)}", file=sys.stderr)
    return 70


def _abandon_stdout() -> None:
    """Point stdout at nothing, so that the interpreter does not complain about it once more when it ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
