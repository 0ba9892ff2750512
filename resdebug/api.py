"""The Python face: what ``import resdebug`` offers, with the operators handed in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdebug.debugger.debugger import Debugger
from resdebug.errors import BadInput, Fault, Place, UsageError
from resdebug.network import interchange
from resdebug.network.model import Network
from resdebug.network.progress import Report
from resdebug.network.source import read_text
from resdebug.ops import CATALOGUE
from resdebug.passes.coming import ComingPass
from resdebug.passes.live import LivePass, differentiate
from resdebug.passes.protocol import LedgerRow, Pass
from resdebug.passes.recorded import RecordedPass, is_trace, load_trace, parse_trace
from resdebug.text import visible

if TYPE_CHECKING:
    import networkx as nx

    from resdebug.analysis.comparison import Comparison
    from resdebug.analysis.verdicts import GradientCheck
    from resdebug.ops.base import Array
    from resdebug.passes.streamed import StreamedPass

STATISTICS = b'"format":"resdebug-statistics"'

__all__ = [
    "Debugger", "LedgerRow", "LivePass", "Network", "Pass", "RecordedPass", "check_gradients", "compare_gradients",
    "differentiate", "from_networkx", "generate", "load", "load_trace",
]  # fmt: skip


def load(
    path: str | Path, *, target: str | None = None, memory: int | None = None, report: Report | None = None
) -> Network:
    """Read and check a network file.

    ``target`` overrides the file's; ``memory`` is how many bytes values and adjoints may take together (80 % of what
    is free); ``report`` hears how far it is, in percent. Raises MissingInput, BadInput (every fault with its place) or
    IOFailure.
    """
    return interchange.read_network(path, CATALOGUE, target=target, limit=memory, report=report)


def open_pass(
    path: str | Path,
    *,
    target: str | None = None,
    rule: str = "sum",
    memory: int | None = None,
    report: Report | None = None,
    recover: bool = False,
) -> Pass:
    """Open a file that is a trace or a network; a network is run.

    With ``recover`` a trace that was cut off or damaged is read up to the first event that is not whole. Raises
    MissingInput, BadInput, IOFailure, and UsageError where a trace is asked for another target or rule, or a network is
    to be recovered.
    """
    begun = begin_pass(path, target=target, rule=rule, memory=memory, report=report, recover=recover)
    return begun.run(report) if isinstance(begun, ComingPass) else begun


def begin_pass(
    path: str | Path,
    *,
    target: str | None = None,
    rule: str = "sum",
    memory: int | None = None,
    report: Report | None = None,
    recover: bool = False,
) -> Pass:
    """Open a file as ``open_pass`` does, and raise what it raises, but do not run a network: its pass is to come."""
    path = Path(path)
    data = read_text(path)
    if not is_trace(data):
        if recover:
            raise UsageError(Fault("U001", "--recover reads a damaged trace, and this is none", "leave it out"))
        if STATISTICS in data[:64]:
            what = "holds statistics of a pass, and no numbers to look at"
            raise BadInput(Fault("T010", what, "trace the network without --level stats", Place(str(path), 1, 1)))
        network = interchange.parse_network(data, path, CATALOGUE, target=target, limit=memory, report=report)
        return ComingPass(network, rule)
    recorded = parse_trace(data, str(path), memory=memory, recover=recover, report=report)
    if target not in {None, recorded.target} or rule not in {"sum", recorded.rule}:
        what = f'a trace is what it is: its target is "{visible(recorded.target)}" and its rule {recorded.rule}'
        raise UsageError(Fault("U001", what, "open the network to run it otherwise"))
    return recorded


def open_network(
    path: str | Path, *, target: str | None = None, memory: int | None = None, report: Report | None = None
) -> tuple[Network, Pass | None]:
    """Read a network and run nothing; of a trace, return the network with the numbers it was run on, and the trace.

    Raises MissingInput, BadInput, IOFailure, and UsageError where a trace is asked for another target.
    """
    path = Path(path)
    data = read_text(path)
    if is_trace(data) or STATISTICS in data[:64]:
        recorded = open_pass(path, target=target, memory=memory, report=report)
        return recorded.network, recorded
    return interchange.parse_network(data, path, CATALOGUE, target=target, limit=memory, report=report), None


def check_gradients(network: Network, **settings: Any) -> GradientCheck:
    """Check every VJP and every adjoint of ``network`` against differences of the forward pass, in float64.

    ``settings`` are those of ``resdebug.analysis.gradient_check.check_gradients``: target, rule, wanted, elements,
    seed, tolerance, scopes, report.
    """
    from resdebug.analysis import gradient_check

    return gradient_check.check_gradients(network, **settings)


def compare_gradients(network: Network, given: Mapping[str, Any] | str | Path, **settings: Any) -> Comparison:
    """Compare gradients (arrays by name of a node, or a file of them) with ours, and say which mistake made wrong ones.

    ``settings`` are those of ``resdebug.analysis.comparison.compare_gradients``: target, tolerance, wanted, report.
    """
    import numpy as np

    from resdebug.analysis import comparison

    if isinstance(given, str | Path):
        given = read_gradients(given)
    arrays = {name: np.asarray(array) for name, array in given.items()}
    return comparison.compare_gradients(network, arrays, **settings)


def read_gradients(path: str | Path) -> dict[str, Array]:
    """Return the gradients in an .npz, .safetensors or .json file, or in a PyTorch state dict, by name.

    Raises MissingInput, BadInput (a file that is damaged, holds something else, or needs PyTorch) and IOFailure.
    """
    from resdebug.analysis import given
    from resdebug.bridges import pytorch

    path = Path(path)
    return pytorch.read_state_dict(path) if path.suffix.lower() in pytorch.SUFFIXES else given.read_gradients(path)


def open_streamed(
    path: str | Path,
    *,
    target: str | None = None,
    rule: str = "sum",
    memory: int | None = None,
    report: Report | None = None,
) -> Pass | StreamedPass:
    """Open a file like ``open_pass``, but run a network only while somebody reads the events, keeping no tensors.

    Raises as ``open_pass`` does, and BadInput when even so tensors need more than ``memory`` bytes; without it, when
    these and what the process itself takes are more than 80 % of what is free.
    """
    from resdebug.network.limits import memory_limit
    from resdebug.passes.streamed import StreamedPass

    path = Path(path)
    data = read_text(path)
    if is_trace(data) or STATISTICS in data[:64]:
        return open_pass(path, target=target, rule=rule, memory=memory, report=report)
    network = interchange.parse_network(data, path, CATALOGUE, target=target, limit=memory, kept=False, report=report)
    streamed = StreamedPass(network, rule=rule)
    streamed.check(max(0, memory_limit() - streamed.beside) if memory is None else memory)
    return streamed


def from_networkx(
    graph: nx.Graph[Any],
    *,
    target: str | None = None,
    folder: str | Path | None = None,
    memory: int | None = None,
) -> Network:
    """Check a graph built with networkx; values may be numpy arrays, tensor files are looked for in ``folder``.

    Raises BadInput with every fault, placed by node and edge.
    """
    return interchange.from_networkx(graph, CATALOGUE, target=target, folder=folder, limit=memory)


def generate(kind: str, **settings: Any) -> Network:
    """Return a generated network, such as ``generate("resnet20", seed=1, preact=True)``; nothing is written.

    ``settings`` are the options of ``resdebug new`` with underscores. Raises UsageError for a kind or a setting that
    does not exist, or settings that do not work out.
    """
    from resdebug.generators.kinds import make
    from resdebug.generators.options import options_for
    from resdebug.generators.writing import checked

    return checked(make(kind, options_for(kind, settings)).document)
