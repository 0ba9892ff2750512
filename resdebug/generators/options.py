"""What can be chosen when a network is generated."""

from __future__ import annotations

from dataclasses import dataclass


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
