"""Nothing that a test does is remembered in the person's own folders, and their settings change no test."""

from __future__ import annotations

import os
import tempfile

_FOLDER = tempfile.TemporaryDirectory(prefix="resdebug-tests-")
os.environ["RESDEBUG_STATE"] = os.environ["XDG_STATE_HOME"] = _FOLDER.name
os.environ["RESDEBUG_CONFIG"] = os.path.join(_FOLDER.name, "config.toml")  # noqa: PTH118
