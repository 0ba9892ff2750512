"""Losses of yes-or-no answers, and of distributions."""

from __future__ import annotations
