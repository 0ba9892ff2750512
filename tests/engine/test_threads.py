"""The number of threads changes when things are done, never what comes out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import resdebug
from resdebug.engine.allocation import keep_freed_memory

DIGEST = """
import hashlib, resdebug
net = resdebug.generate("resnet20", batch=32)
p = resdebug.differentiate(net, norms=True)
found = hashlib.sha256()
for node in net.nodes:
    for array in (p.value(node.name), p.adjoint(node.name)):
        found.update(b"none" if array is None else array.tobytes())
found.update(repr(sorted(p._norms.items())).encode())
print(found.hexdigest())
"""


def digest(threads: str) -> str:
    environment = {**os.environ, "RESDEBUG_THREADS": threads}
    done = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_bits_do_not_depend_on_threads_or_runs() -> None:
    assert len({digest("1"), digest("2"), digest("2"), digest("4")}) == 1


def test_an_interrupted_pass_leaves_nothing_running() -> None:
    net = resdebug.generate("resnet20", batch=8)

    def interrupt(what: str, done: int, _of: int) -> None:
        if what == "reverse" and done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resdebug.differentiate(net, report=interrupt)
    assert resdebug.differentiate(net).adjoint("conv1.weight") is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library of Linux is asked")
def test_the_c_library_keeps_freed_memory() -> None:
    assert keep_freed_memory()
