"""Nothing that a test does is remembered in the person's own folders, and their settings change no test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_FOLDER = tempfile.TemporaryDirectory(prefix="resdebug-tests-")
os.environ["RESDEBUG_STATE"] = os.environ["XDG_STATE_HOME"] = _FOLDER.name
os.environ["RESDEBUG_CONFIG"] = str(Path(_FOLDER.name, "config.toml"))


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    """Every test begins with a screen that nobody has changed."""
    yield
    Path(_FOLDER.name, "screen.json").unlink(missing_ok=True)
