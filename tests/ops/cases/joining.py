"""Cases of joining."""

from __future__ import annotations

from typing import Final

from tests.ops.cases.table import Family

FAMILY: Final = Family(cases=[], empty=[], problems={})
