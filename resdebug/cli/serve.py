"""``resdebug serve``: the debugger in a browser on this very machine."""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import sys
from pathlib import Path

from resdebug.cli.arguments import Parser, count, input_file
from resdebug.errors import Fault, UsageError
from resdebug.network import limits
from resdebug.network.source import open_regular
from resdebug.text import visible

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("serving")
"""The folder of the page; the library's own would load a font from elsewhere."""
MOST_PORT = 65535


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    input_file(sub, "a network (node-link JSON) or a trace")
    sub.add_argument(
        "--port", type=count(0), default=8000, metavar="N", help="on which port (8000); 0 takes a free one"
    )
    sub.add_argument("--theme", choices=("dark", "light", "contrast", "mono"), help="colours")


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; nobody but this machine can connect.

    Raises MissingInput without a file, UsageError without the optional library or with a port that is taken.
    """
    path = Path(options.file)
    os.close(open_regular(path, limits.GRAPH_FILE_BYTES))
    try:
        from textual_serve.server import Server
    except ImportError:
        what = "serving needs the library textual-serve"
        raise UsageError(Fault("U003", what, "pip install 'resdebug[web]'")) from None
    port = _free(options.port)
    title = f"resdebug {visible(path.name, limit=60)}"
    server = Server(command(options), host=HOST, port=port, title=title, templates_path=PAGE)
    print(f"http://{HOST}:{port}  (ctrl+c ends it)", flush=True)
    # The library writes a banner of its own to stdout, where only results belong.
    server.console.file = sys.stderr
    server.serve()
    return 0


def command(options: argparse.Namespace) -> str:
    """Return the command line that every visitor gets a process of."""
    words = [sys.executable, "-m", "resdebug", "open", str(Path(options.file).resolve()), "--rule", options.rule]
    for name in ("target", "theme", "memory"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


def _free(port: int) -> int:
    """Return the port, or a free one for 0. Raises UsageError when it cannot be had."""
    if port > MOST_PORT:
        raise UsageError(Fault("U001", f"there is no port {port}", f"a port is at most {MOST_PORT}"))
    try:
        with socket.create_server((HOST, port)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        what = f"port {port} cannot be had: {error.strerror}"
        raise UsageError(Fault("U001", what, "--port 0 takes a free one")) from None
