"""The page around the data: one file that loads nothing, and forbids itself all but its own script and style by hash.

Data stand in a block that is no script; texts in them reach the page as text nodes only (CSP level 3; the HTML
standard on what ends a script element).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any, Final

import msgspec

from resdebug.version import __version__

SCRIPTS: Final = (
    "numbers.js", "elements.js", "tensors.js", "timeline.js", "folding.js", "rails.js", "rows.js", "session.js",
    "words.js", "graph.js", "node.js", "ledger.js", "planes.js", "heat.js", "tensor.js", "profile.js", "header.js",
    "commands.js", "help.js", "main.js",
)  # fmt: skip
"""In this order, they are one script."""
_UNSAFE: Final = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"), (b"\xe2\x80\xa8", b"\\u2028"),
                  (b"\xe2\x80\xa9", b"\\u2029"))  # fmt: skip
"""What could end the block of data, or a line of a script, and how JSON may say it instead."""


def page(document: dict[str, Any]) -> Iterator[bytes]:
    """Yield the page in pieces."""
    style, code = _read("page.css"), script()
    policy = (
        f"default-src 'none'; script-src '{_digest(code)}'; style-src '{_digest(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    rule = "" if document["rule"] == "sum" else f" (rule {document['rule']}: wrong on purpose)"
    title = f"{document['name']}: replay of backpropagation{rule}"
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta name="generator" content="resdebug {escape(__version__)}">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
    )
    yield head.encode()
    yield _read("body.html").encode()
    yield b'<script type="application/json" id="data">'
    yield inert(document)
    yield f"</script>\n<script>{code}</script>\n</body>\n</html>\n".encode()


def frame() -> int:
    """Return about how many bytes a page takes without its data."""
    return sum(len(text.encode()) for text in (_read("page.css"), _read("body.html"), script())) + 700


def script() -> str:
    """Return the page's whole script."""
    return '"use strict";\n(() => {\n' + "".join(map(_read, SCRIPTS)) + "})();\n"


def inert(document: dict[str, Any]) -> bytes:
    """Return JSON that may stand in a page as it is."""
    data = msgspec.json.encode(document)
    for sign, said in _UNSAFE:
        data = data.replace(sign, said)
    return data


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
