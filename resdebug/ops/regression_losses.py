"""Losses that measure a distance."""

from __future__ import annotations
