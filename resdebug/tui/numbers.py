"""Numbers as the screen shows them: few digits, fixed width, aligned to be added by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

MINUS = "−"
BARS = " ▏▎▍▌▋▊▉█"
BLOCKS = " ▁▂▃▄▅▆▇█"


def scientific(x: float, digits: int = 3) -> str:
    """Write ``x`` with so many significant digits and a short exponent: ``8.12e-1``."""
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else f"{MINUS}∞"
    if x == 0:
        return "0"
    mantissa, _, exponent = f"{x:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", MINUS, 1) if x < 0 else f"{mantissa}e{int(exponent)}"


def plain(x: float, digits: int = 4) -> str:
    """Write ``x`` as a person would: ``28``, ``1.284``, ``9.57e-8``."""
    if not math.isfinite(x):
        return scientific(x)
    if x != 0 and not 1e-4 <= abs(x) < 1e6:
        return scientific(x, digits)
    text = f"{x:.{digits}g}" if abs(x) < 10**digits else f"{x:.0f}"
    return text.replace("-", MINUS)


class Columns:
    """One format for several numbers, so that they line up one under the other.

    Numbers far from 1 share a power of ten, which ``scale`` names; otherwise it is empty.
    """

    def __init__(self, numbers: Sequence[float], digits: int = 4) -> None:
        finite = [abs(x) for x in numbers if math.isfinite(x)]
        largest = max(finite, default=0.0)
        magnitude = math.floor(math.log10(largest)) if largest > 0 else 0
        self.exponent = 0 if -3 <= magnitude <= 4 else magnitude
        whole = 0 if self.exponent else magnitude
        self.decimals = max(0, min(digits - 1 - whole, digits + 1))
        if finite and not self.exponent:
            self.decimals = min(self.decimals, _needed(finite, self.decimals))
        self.scale = f"×10^{self.exponent}".replace("-", MINUS) if self.exponent else ""
        self.least = len(self._text(largest)) if finite else 1
        """The common width is not less than this."""
        self._numbers = numbers

    @cached_property
    def width(self) -> int:
        """The common width."""
        return max((len(self._text(x)) for x in self._numbers), default=1)

    def _text(self, x: float) -> str:
        if not math.isfinite(x):
            return scientific(x)
        return f"{math.ldexp(x, 0) / 10.0**self.exponent if self.exponent else x:.{self.decimals}f}".replace("-", MINUS)

    def __call__(self, x: float) -> str:
        """Write one number, right-aligned to the common width."""
        return self._text(x).rjust(self.width)


def _needed(numbers: Sequence[float], decimals: int) -> int:
    """Return how many decimals tell these numbers apart from their rounding: trailing zeros are left out."""
    longest = 0
    for x in numbers:
        text = f"{x:.{decimals}f}"
        longest = max(longest, len(text.rstrip("0").partition(".")[2]))
        if longest == decimals:
            break
    return max(longest, min(1, decimals))


def bar(share: float, width: int) -> str:
    """Draw a share from 0 to 1 as a bar of eighths, ``width`` cells wide."""
    eighths = round(max(0.0, min(1.0, share if math.isfinite(share) else 0.0)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BARS[rest] if rest else "")).ljust(width)


def percent(share: float) -> str:
    """Write a share as a whole percentage: ``71 %``."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"


def level(x: float, low: float, high: float, line: int = 0, of: int = 1) -> str:
    """Return the block whose height says where ``x`` lies between ``low`` and ``high``; the lowest is never empty.

    A bar may be several lines high: ``line`` is which of them, the first one on top.
    """
    if not math.isfinite(x):
        return "!"
    share = 1.0 if high <= low else (x - low) / (high - low)
    eighths = 1 + round(max(0.0, min(1.0, share)) * (of * (len(BLOCKS) - 1) - 1))
    return BLOCKS[max(0, min(len(BLOCKS) - 1, eighths - (of - 1 - line) * (len(BLOCKS) - 1)))]
