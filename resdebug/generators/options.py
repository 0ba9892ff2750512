"""What can be chosen when a network is generated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from resdebug.errors import Fault, UsageError
from resdebug.text import did_you_mean, visible

DEFAULT_DTYPE: Final = {"random": "float64"}


@dataclass(frozen=True)
class Options:
    """Settings of a generator; None leaves a choice to the kind."""

    seed: int = 0
    batch: int = 1
    dtype: str = "float32"
    image_size: int | None = None
    classes: int | None = None
    preact: bool = False
    plain: bool = False
    rezero: bool = False
    fixup: bool = False
    depth: int | None = None
    width: int | None = None
    blocks: int | None = None
    heads: int | None = None
    tokens: int | None = None
    vocabulary: int | None = None
    norm: str | None = None
    steps: int | None = None
    nodes: int | None = None


def options_for(kind: str, settings: Mapping[str, Any]) -> Options:
    """Return the options of a kind from settings by name. Raises UsageError for a name that does not exist."""
    for name in settings:
        if name not in Options.__dataclass_fields__:
            hint = did_you_mean(name, Options.__dataclass_fields__)
            raise UsageError(Fault("U001", f'there is no setting "{visible(name)}"', hint))
    given = dict(settings)
    if given.get("dtype") is None:
        given["dtype"] = DEFAULT_DTYPE.get(kind, "float32")
    return Options(**given)
