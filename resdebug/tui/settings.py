"""What the person has set: theme, keys and the like, from a TOML file; faults in it are told and the rest is used.

::

    theme = "dark"            # dark, light, contrast, mono
    ascii = false             # draw with ASCII characters only
    mouse = true
    speed = 2                 # steps a second while playing
    reduced_motion = false    # no playing, no animation, nothing seen on its way

    [keys]                    # a command's name in small letters with hyphens, and its keys
    step-one-node = "n,right"
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from resdebug.text import did_you_mean, visible
from resdebug.tui.commands import COMMANDS

FILE: Final = "config.toml"
MOST_BYTES: Final = 100_000
THEME_NAMES: Final = ("dark", "light", "contrast", "mono")
_FIXED: Final = frozenset({"ctrl+q", "ctrl+c", "ctrl+p"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says, and what was wrong with it."""

    theme: str | None = None
    ascii: bool | None = None
    mouse: bool | None = None
    speed: float | None = None
    reduced_motion: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by command."""
    faults: tuple[str, ...] = ()


def settings_path() -> Path:
    """Return where the file is looked for; ``RESDEBUG_CONFIG`` names another place."""
    chosen = os.environ.get("RESDEBUG_CONFIG")
    if chosen:
        return Path(chosen)
    from platformdirs import user_config_path

    return user_config_path("resdebug", appauthor=False) / FILE


def read_settings(path: Path | None = None) -> Settings:
    """Read the file; without one everything is as it comes."""
    path = settings_path() if path is None else path
    if not path.is_file():
        return Settings()
    import tomllib

    try:
        if path.stat().st_size > MOST_BYTES:
            return Settings(faults=(f"{FILE} is larger than {MOST_BYTES} bytes: ignored",))
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return Settings(faults=(f"{FILE} is ignored: {visible(str(error), limit=200)}",))
    return _checked(told)


def _checked(told: Mapping[str, Any]) -> Settings:
    faults: list[str] = []
    good: dict[str, Any] = {}
    for name, value in told.items():
        if name == "keys" and isinstance(value, dict):
            good[name] = _keys(value, faults)
        elif name not in _KNOWN:
            hint = did_you_mean(name, [*_KNOWN, "keys"])
            faults.append(f'{FILE}: there is no setting "{visible(name, limit=60)}"; {hint}'.rstrip("; "))
        elif not _KNOWN[name][0](value):
            faults.append(f"{FILE}: {name} is to be {_KNOWN[name][1]}, not {visible(repr(value), limit=60)}")
        else:
            good[name] = value
    return Settings(**good, faults=tuple(faults))


def _keys(told: Mapping[str, Any], faults: list[str]) -> dict[str, str]:
    """Return the keys that can be had: those of known commands, none of them twice."""
    commands = {command.id: command for command in COMMANDS}
    taken = {key: command.id for command in COMMANDS if command.id not in told for key in command.keys.split(",")}
    good: dict[str, str] = {}
    for name, keys in told.items():
        if name not in commands:
            hint = did_you_mean(name, commands)
            faults.append(f'{FILE}: there is no command "{visible(name, limit=60)}"; {hint}'.rstrip("; "))
            continue
        wanted = [key.strip() for key in keys.split(",")] if isinstance(keys, str) else []
        if not wanted or not all(key.isprintable() and key and " " not in key for key in wanted):
            faults.append(f'{FILE}: keys of {name} are to be written as in "n,right"')
            continue
        clash = next((key for key in wanted if key in taken or key in _FIXED or key.isdigit()), None)
        if clash is not None:
            faults.append(f"{FILE}: the key {visible(clash)} of {name} is taken by {taken.get(clash, 'the program')}")
            continue
        taken |= dict.fromkeys(wanted, name)
        good[name] = ",".join(wanted)
    return good


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.5 <= value <= 64


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


_KNOWN: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "theme": (lambda value: value in THEME_NAMES, f"one of {', '.join(THEME_NAMES)}"),
    "ascii": (_is_flag, "true or false"),
    "mouse": (_is_flag, "true or false"),
    "speed": (_is_number, "a number from 0.5 to 64"),
    "reduced_motion": (_is_flag, "true or false"),
}
