"""What a trace must keep to: each rule with its number and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from resdebug.verification.judging import Judged

RULES: Final[dict[str, str]] = {
    "V001": "A trace begins with a header: format, version, target, rule, number of events, network.",
    "V002": "Every line is one object of strict JSON that is a record of a known event with its keys.",
    "V003": "A line's checksum is the CRC-32 of its bytes; either all lines have one, or none has.",
    "V004": "Records are numbered 1, 2, 3, … without a gap.",
    "V005": "The end mark stands last, and it and the header say how many events there are.",
    "V010": "Nodes have names of their own, and every edge joins two of them, into a slot of its own.",
    "V011": "No node depends on itself.",
    "V012": "The digest is that of the network and of the numbers of its leaves.",
    "V020": "A tensor has a shape, an element type, and its numbers, the name of a tensor beside, or statistics.",
    "V021": "A tensor beside is there, of the shape and type that the record says, and has the bytes of its CRC-32.",
    "V022": "The file beside is whole, is of this trace, and holds nothing that no record names.",
    "V023": "A leaf has its declared type; adjoint, contribution and partial have the type of their node's value.",
    "V024": "Statistics could be those of a tensor of that shape.",
    "V025": "Numbers are there, or statistics in their place, as the header's level and nodes say.",
    "V026": "A tensor in a record has the bytes of its CRC-32, if it has one; in a document, all have one or none has.",
    "V030": "Every node that the target depends on is evaluated once, after its inputs and before the seed.",
    "V031": "The seed is planted once, at the target, and is 1.",
    "V032": "An adjoint is completed once, and only when all visited consumers have delivered.",
    "V033": "A visited node delivers at once, one contribution for each differentiable slot in use, and no other does.",
    "V034": "Every node between the target and an input or parameter is visited, the target first.",
    "V040": "A partial is what the rule makes of the partial before it and the contribution, bit for bit.",
    "V041": "A completed adjoint is the last partial, the target's is the seed, bit for bit.",
    "V050": "A value is what its operator makes of the values of its inputs, up to rounding.",
    "V051": "A contribution is what its slot's vector-Jacobian product makes of the saved values, up to rounding.",
}
"""Every rule has a fixture in the tests that breaks it."""
TEXT: Final = frozenset({"V001", "V002", "V003", "V004", "V005", "V020"})
"""Rules of the text: where one of these is broken, the file is not a whole trace."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a trace breaks, and where: line 0 in a trace that is one document."""

    rule: str
    what: str
    line: int = 0
    event: int | None = None
    node: str = ""
    slot: str = ""
    index: tuple[int, ...] | None = None
    found: float | None = None
    expected: float | None = None
    allowed: float | None = None

    def judged(self, judged: Judged | None) -> Finding:
        """Return it with the numbers that were judged, if any."""
        if judged is None:
            return self
        return replace(self, index=judged.index, found=judged.found, expected=judged.expected, allowed=judged.allowed)

    def as_json(self) -> dict[str, Any]:
        """Return what is known of it, numbers as strict JSON has them."""
        told: dict[str, Any] = {"rule": self.rule, "what": self.what, "line": self.line}
        if self.event is not None:
            told["event"] = self.event
        told |= {k: v for k, v in (("node", self.node), ("slot", self.slot)) if v}
        if self.index is not None:
            told["index"] = list(self.index)
        for key in ("found", "expected", "allowed"):
            number = getattr(self, key)
            if number is not None:
                told[key] = spelled(number)
        return told


class Broken(Exception):
    """A rule is broken where it is looked at."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(what)
        self.rule = rule
        self.what = what


def spelled(number: float) -> float | str:
    """Return a number, or the word for what JSON lacks."""
    if number != number:
        return "NaN"
    return number if abs(number) != float("inf") else ("Infinity" if number > 0 else "-Infinity")
