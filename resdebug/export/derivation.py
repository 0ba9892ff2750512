"""What Markdown, LaTeX and HTML share: the derivation of a pass, made once."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from resdebug.analysis.derivation.derive import derive
from resdebug.analysis.derivation.document import Document
from resdebug.export.registry import Progress
from resdebug.passes.protocol import Pass

_MADE: Final[WeakKeyDictionary[Pass, Document]] = WeakKeyDictionary()


def document_of(pass_: Pass, progress: Progress | None = None) -> Document:
    """Return the derivation of a whole pass; made when it is first asked for, as its size is asked for first."""
    if pass_ not in _MADE:

        def report(_what: str, done: int, total: int) -> None:
            if progress is not None:
                progress(done, total)

        _MADE[pass_] = derive(pass_, report=report)
    return _MADE[pass_]
