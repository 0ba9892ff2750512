"""The records of a trace, as they stand in its lines; whatever they say otherwise is judged where it is looked at."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class Tensor(msgspec.Struct, gc=False):
    """A tensor, in whichever of the three ways."""

    shape: Any = None
    dtype: Any = None
    data: Any = None
    name: Any = None
    statistics: Any = None
    crc: Any = None


class Evaluated(msgspec.Struct, tag_field="event", tag="evaluated", gc=False):
    """The forward pass computed ``node``."""

    k: int
    node: str
    value: Tensor


class Seeded(msgspec.Struct, tag_field="event", tag="seeded", gc=False):
    """The target's adjoint was planted."""

    k: int
    node: str
    adjoint: Tensor


class Completed(msgspec.Struct, tag_field="event", tag="completed", gc=False):
    """All contributions to ``node`` have arrived."""

    k: int
    node: str
    adjoint: Tensor


class Contributed(msgspec.Struct, tag_field="event", tag="contributed", gc=False):
    """``consumer`` sent ``contribution`` to ``node`` through ``slot``; ``partial`` is the sum so far."""

    k: int
    node: str
    consumer: str
    slot: str
    contribution: Tensor
    partial: Tensor


class End(msgspec.Struct, tag_field="event", tag="end", gc=False):
    """Nothing more comes."""

    k: int


Record: TypeAlias = Evaluated | Seeded | Completed | Contributed | End
