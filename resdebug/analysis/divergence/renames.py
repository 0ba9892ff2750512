"""What nodes of one pass are called in another."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Renames:
    """What nodes of the first pass are called in the second: ``old.*=new.*``, the stars standing for the same."""

    def __init__(self, maps: Iterable[tuple[str, str]] = ()) -> None:
        """Raises ValueError for a rule whose sides have different numbers of stars."""
        self._rules: list[tuple[re.Pattern[str], str]] = []
        for old, new in maps:
            if old.count("*") != new.count("*"):
                raise ValueError(f"{old}={new}: both sides have the same number of stars")
            pattern = "".join("(.*)" if part == "*" else re.escape(part) for part in re.split(r"(\*)", old))
            self._rules.append((re.compile(pattern, re.DOTALL), new))

    def __call__(self, name: str) -> str:
        """Return the name in the second pass."""
        for pattern, new in self._rules:
            match = pattern.fullmatch(name)
            if match:
                parts = iter(match.groups())
                return "".join(next(parts) if part == "*" else part for part in re.split(r"(\*)", new))
        return name
