"""Formulas as text: a template per operator and slot, filled with the names (or numbers) of a real node.

A template is ordinary text with placeholders: ``{x}`` is the value in slot x, ``{x̄}`` its adjoint, ``{y}`` and
``{ȳ}`` the operator's own, ``{stride}`` an attribute. What stands in ``⟦ ⟧`` is left out when a placeholder in it
names an empty slot.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from resdebug.text import MACRON

_OPTIONAL = re.compile(r"⟦([^⟦⟧]*)⟧")
_PLACE = re.compile(r"\{([^{}]+)\}")


def placeholders(template: str) -> set[str]:
    """Return the names that a template speaks of; an adjoint counts as ``x`` + macron."""
    return set(_PLACE.findall(_spelled(template)))


def bar(name: str) -> str:
    """Return the placeholder of the adjoint of slot ``name``."""
    return name + MACRON


def fill(template: str, words: Mapping[str, str]) -> str:
    """Replace every placeholder by its word; drop optional parts whose words are missing.

    Raises KeyError when a placeholder outside an optional part has no word.
    """

    def optional(match: re.Match[str]) -> str:
        return match.group(1) if placeholders(match.group(1)) <= words.keys() else ""

    return _PLACE.sub(lambda m: words[m.group(1)], _OPTIONAL.sub(optional, _spelled(template)))


def _spelled(template: str) -> str:
    """Write every letter with its macron as two characters, so that all placeholders are spelled alike."""
    return _PLACE.sub(lambda m: unicodedata.normalize("NFD", m.group()), template)
