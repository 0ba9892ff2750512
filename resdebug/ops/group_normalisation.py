"""Normalisation within groups of channels, within a channel, and by the root mean square."""

from __future__ import annotations
