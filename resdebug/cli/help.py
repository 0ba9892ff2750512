"""``resdebug help``: the condition language, the debugger's commands, scripts."""

from __future__ import annotations

import argparse
import json

from resdebug.cli.arguments import Parser


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        help="conditions, commands, stops, jumping, scripts, or a command of the debugger",
    )
    sub.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the help on a topic, or the list of topics."""
    from resdebug.debugger.topics import TOPICS, as_data, rows, topic

    if options.topic is None:
        known = {name: about for name, (about, _) in TOPICS.items()}
        if options.json:
            print(json.dumps(known, indent=1))
        else:
            print("\n".join(["resdebug help TOPIC", *rows(known), "or the name of a command of the debugger"]))
    elif options.json:
        print(json.dumps(as_data(options.topic), ensure_ascii=False, indent=1))
    else:
        print("\n".join(topic(options.topic)))
    return 0
