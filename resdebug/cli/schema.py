"""``resdebug schema``: the JSON Schema of the network file."""

from __future__ import annotations

import argparse
import json

from resdebug.network.schema import json_schema
from resdebug.ops import CATALOGUE


def run(_options: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(json_schema(CATALOGUE), ensure_ascii=False, indent=1))
    return 0
