"""Every value and every adjoint of every node of every graph, against PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest

import resdebug
from tests.oracle.interpreter import worst_difference
from tests.support import GRAPHS

FILES = sorted(GRAPHS.glob("*.json"))
BOUND = 1e-12


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_node(path: Path) -> None:
    assert worst_difference(resdebug.load(path)) < BOUND
