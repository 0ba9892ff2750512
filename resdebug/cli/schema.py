"""``resdebug schema``: the JSON Schema of the network file."""

from __future__ import annotations

import argparse
import json

from resdebug.cli.arguments import Parser


def arguments(_sub: Parser) -> None:
    """Declare nothing: the command takes no arguments."""


def run(_options: argparse.Namespace) -> int:
    """Print the schema."""
    from resdebug.network.schema import json_schema
    from resdebug.ops import CATALOGUE

    print(json.dumps(json_schema(CATALOGUE), ensure_ascii=False, indent=1))
    return 0
