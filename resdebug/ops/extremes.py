"""The largest and the smallest along axes."""

from __future__ import annotations
