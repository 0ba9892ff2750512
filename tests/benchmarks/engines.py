"""One engine on one network, in a process of its own: ``python -m ... ENGINE FILE [--memory]``.

It answers requests for the time of a forward and a reverse pass (see ``serving``), or with ``--memory`` prints what a
single pass takes. Files are read and tensors made before either.
"""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import resdebug
from resdebug.network.substitution import with_values
from tests.benchmarks.serving import serve, timed, turn

Run = Callable[[], object]


def loaded(path: Path) -> resdebug.Network:
    """Return a network whose tensors are in memory."""
    net = resdebug.load(path)
    return with_values(net, {name: value.array() for name, value in net.values.items()})


def whole_pass(net: resdebug.Network) -> resdebug.LivePass:
    """Run ours: every value and adjoint is kept, and every contribution's norm."""
    return resdebug.differentiate(net, norms=True)


def ours(path: Path) -> Run:
    """Return a whole pass of this package."""
    net = loaded(path)
    return lambda: whole_pass(net)


def pytorch(path: Path) -> Run:
    """Return a whole pass of eager PyTorch with hooks that keep every gradient."""
    from tests.benchmarks.peers import hooked

    return hooked(loaded(path))


def torchlens(path: Path) -> Run:
    """Return a pass recorded by torchlens."""
    from tests.benchmarks.peers import recorded

    return recorded(loaded(path))


ENGINES: dict[str, Callable[[Path], Run]] = {"ours": ours, "pytorch": pytorch, "torchlens": torchlens}


def high_water() -> float:
    """Return the most MiB of memory that this process ever held, since ``forget`` where the system can forget."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def forget() -> None:
    """Let the high-water mark fall to what is in use: reading files has raised it, which would hide a pass."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def memory(run: Run) -> float:
    """Return by how many MiB one pass, kept, raises the high-water mark."""
    forget()
    before = high_water()
    kept = run()
    took = high_water() - before
    del kept
    return took


def main() -> None:
    """Measure the engine that the command line names."""
    run = ENGINES[sys.argv[1]](Path(sys.argv[2]))
    if "--memory" in sys.argv:
        print(json.dumps({"memory": memory(run)}))
        return
    first = 1e3 * timed(run)
    run()
    serve(lambda seconds: {"median": turn(run, seconds)}, first=first)


if __name__ == "__main__":
    main()
