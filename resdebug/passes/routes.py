"""By which way a contribution comes, told from the wiring alone: see ``resdebug.passes.routes``."""

from __future__ import annotations

from resdebug.passes.routes import JOINS, LINEAR, Route, Routes, Way

__all__ = ["JOINS", "LINEAR", "Route", "Routes", "Way"]
