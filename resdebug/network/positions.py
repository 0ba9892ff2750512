"""A slow JSON reader that knows where everything stands; used only once a file is known to be at fault.

The fast reader says that something is wrong, or which element (by JSON pointer, RFC 6901) a later check refuses;
this one turns that into a line and a column, and names what the grammar (RFC 8259) forbids. It keeps no values and
does not recurse.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from resdebug.errors import Fault, Place
from resdebug.network import limits
from resdebug.text import visible

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])")
_WORD = re.compile(r"[-+]?[A-Za-z_][A-Za-z0-9_]*|[-+.]?[0-9][0-9A-Za-z_.+-]*")
_LITERALS: Final = frozenset({"true", "false", "null"})
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_DIGITS: Final = 4300


def escape(key: str | int) -> str:
    """Return one step of a JSON pointer."""
    return f"/{key}" if isinstance(key, int) else "/" + key.replace("~", "~0").replace("/", "~1")


@dataclass
class Scan:
    """What one reading found: places of the wanted pointers (line, column), and faults of the text itself."""

    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class _Level:
    """One open array or object: its pointer while somebody wants a place inside it, its keys, where to go on."""

    closing: str
    pointer: str | None
    index: int = -1
    keys: dict[str, int] | None = None


class _Stop(Exception):
    """Nothing more can be read, or needs to be."""


def scan(text: str, wanted: Collection[str] = (), *, until_found: bool = False) -> Scan:
    """Read ``text`` once; return the places of the ``wanted`` JSON pointers and every fault of the text.

    With ``until_found``, for a text known to be well formed, reading ends when all places are known.
    """
    return _Scanner(text, wanted, until_found).run()


class _Scanner:
    def __init__(self, text: str, wanted: Collection[str], until_found: bool) -> None:
        self.until_found = until_found
        self.text = text
        self.result = Scan()
        self.wanted = set(wanted)
        self.prefixes = {pointer[:i] for pointer in wanted for i, c in enumerate(pointer) if c == "/"} | {""}
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))] if text else [0]

    def run(self) -> Scan:
        try:
            end = self.document()
            rest = self.skip(end)
            if rest < len(self.text):
                self.fault("J022", rest, "text after the end of the document", "remove it")
        except _Stop:
            pass
        return self.result

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def fault(self, code: str, offset: int, what: str, hint: str = "", pointer: str = "") -> None:
        line, column = self.place(offset)
        self.result.faults.append(Fault(code, what, hint, Place("", line, column, pointer)))

    def stop(self, code: str, offset: int, what: str, hint: str = "") -> _Stop:
        self.fault(code, offset, what, hint)
        return _Stop()

    def document(self) -> int:
        """Walk the text; the stack holds the open arrays and objects, ``here`` the pointer of the next value."""
        stack: list[_Level] = []
        offset = self.skip(0)
        here: str | None = ""
        while True:
            self.note(here, offset)
            opening = self.text[offset : offset + 1]
            if opening and opening in "[{":
                if len(stack) >= limits.JSON_DEPTH:
                    raise self.stop("J030", offset, f"nested deeper than {limits.JSON_DEPTH} levels", "flatten it")
                inside = here if here is not None and (here in self.prefixes) else None
                level = _Level("]" if opening == "[" else "}", inside, keys={} if opening == "{" else None)
                stack.append(level)
                offset = self.skip(offset + 1)
                if self.text[offset : offset + 1] != level.closing:
                    here, offset = self.enter(level, offset)
                    continue
            else:
                offset = self.scalar(offset)
                if not stack:
                    return offset
                offset = self.skip(offset)
            step = self.leave(stack, offset)
            if isinstance(step, int):
                return step
            here, offset = step

    def leave(self, stack: list[_Level], offset: int) -> int | tuple[str | None, int]:
        """After a value (or at a closing bracket): close what closes here, then go to the next value."""
        while True:
            level = stack[-1]
            found = self.text[offset : offset + 1]
            if found == level.closing:
                stack.pop()
                offset += 1
                if not stack:
                    return offset
                offset = self.skip(offset)
            elif found == ",":
                return self.enter(level, self.skip(offset + 1))
            else:
                raise self.unexpected(offset, f"a comma or {level.closing}")

    def enter(self, level: _Level, offset: int) -> tuple[str | None, int]:
        """Go to the next value of an open level: over the key and the colon in an object."""
        if level.keys is None:
            level.index += 1
            return None if level.pointer is None else level.pointer + escape(level.index), offset
        match = _STRING.match(self.text, offset)
        if match is None:
            broken = self.text[offset : offset + 1] == '"'
            raise self.broken_string(offset) if broken else self.unexpected(offset, "a key in double quotes")
        key = self.string(match)
        if key in level.keys:
            line, _ = self.place(level.keys[key])
            what = f'key "{visible(key)}" appears twice in one object (first in line {line})'
            self.fault("J031", offset, what, "keep one of them")
        level.keys[key] = offset
        colon = self.skip(match.end())
        if self.text[colon : colon + 1] != ":":
            raise self.unexpected(colon, "a colon")
        return None if level.pointer is None else level.pointer + escape(key), self.skip(colon + 1)

    def note(self, pointer: str | None, offset: int) -> None:
        if pointer is not None and pointer in self.wanted:
            self.result.places.setdefault(pointer, self.place(offset))
            if self.until_found and len(self.result.places) == len(self.wanted):
                raise _Stop

    def skip(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        return match.end() if match else offset

    def string(self, match: re.Match[str]) -> str:
        if "\\" not in match.group():
            return match.group()[1:-1]
        text: str = json.loads(match.group())
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            self.fault("J032", match.start(), "a lone surrogate in a string", "write the character itself")
        return text

    def scalar(self, offset: int) -> int:
        if self.text[offset : offset + 1] == '"':
            match = _STRING.match(self.text, offset)
            if match is None:
                raise self.broken_string(offset)
            self.string(match)
            return match.end()
        match = _NUMBER.match(self.text, offset)
        if match is not None:
            self.number(match)
            return match.end()
        word = _WORD.match(self.text, offset)
        if word is None or word.group() not in _LITERALS:
            raise self.unexpected(offset, "a value")
        return word.end()

    def number(self, match: re.Match[str]) -> None:
        digits = match.group()
        if len(digits) > _DIGITS:
            self.fault("J034", match.start(), f"a number of {len(digits)} digits", "shorten it")
        elif not math.isfinite(float(digits)):
            self.fault("J034", match.start(), f"{visible(digits, limit=40)} is beyond float64", "scale it down")

    def broken_string(self, offset: int) -> _Stop:
        """Say why the string that starts at ``offset`` does not end well."""
        for at, what in self.characters(offset + 1):
            return self.stop("J020", at, what)
        return self.stop("J021", len(self.text), "the file ends inside a string", "it was cut off; fetch it again")

    def characters(self, offset: int) -> Iterator[tuple[int, str]]:
        while offset < len(self.text):
            c = self.text[offset]
            if c == "\\":
                if _ESCAPE.match(self.text, offset) is None:
                    if _CUT_ESCAPE.fullmatch(self.text, offset) is None:
                        yield offset, "an unknown escape in a string"
                    return
                offset += 2
            elif c < " ":
                yield offset, f"a control character (U+{ord(c):04X}) inside a string; a quote may be missing before it"
                return
            else:
                offset += 1

    def unexpected(self, offset: int, expected: str) -> _Stop:
        if offset >= len(self.text):
            what = "the file is empty" if not self.text.strip() else f"the file ends where {expected} should be"
            return self.stop("J021", offset, what, "it was cut off; fetch it again" if self.text.strip() else "")
        word = _WORD.match(self.text, offset)
        found = word.group() if word else self.text[offset]
        if found.lstrip("+-").lower() in {"nan", "inf", "infinity"}:
            hint = "JSON has no such number; a tensor that holds it goes into an .npz or .safetensors file"
            return self.stop("J033", offset, f"{visible(found)} is not a number in JSON", hint)
        hint = ""
        if found == "'":
            hint = "JSON uses double quotes"
        elif found in {"True", "False", "None"}:
            hint = f"JSON writes {'null' if found == 'None' else found.lower()}"
        elif found in {"}", "]"}:
            hint = "a comma too many before it?"
        return self.stop("J020", offset, f"expected {expected}, found {visible(found, limit=40)}", hint)
