"""``resdebug explain-code``: what a diagnostic means."""

from __future__ import annotations

import argparse
import json

from resdebug.cli.arguments import Parser
from resdebug.codes import CODES
from resdebug.errors import Fault, UsageError
from resdebug.text import did_you_mean, visible


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.add_argument("code", nargs="?", metavar="CODE", help="the code; without it all are listed")
    sub.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """Print one code's explanation, or all of them."""
    code = options.code.upper() if options.code else None
    if code is not None and code not in CODES:
        what = f'there is no code "{visible(options.code)}"'
        raise UsageError(Fault("U001", what, did_you_mean(code, CODES) or "resdebug explain-code lists them all"))
    chosen = CODES if code is None else {code: CODES[code]}
    if options.json:
        print(json.dumps(chosen, ensure_ascii=False, indent=1))
    else:
        print("\n".join(f"{name}  {text}" for name, text in chosen.items()))
    return 0
