"""``resdebug new``: a real residual network from a seed, written to a file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, UsageError
from resdebug.generators.kinds import KINDS, make
from resdebug.generators.options import Options, options_for
from resdebug.text import human_bytes, visible


def run(options: argparse.Namespace) -> int:
    """Generate a network; without a kind, list them."""
    if options.kind is None:
        return list_kinds(as_json=options.json)
    chosen = {name: getattr(options, name) for name in Options.__dataclass_fields__}
    if options.output is None:
        raise UsageError(Fault("U001", "no output is named", f"resdebug new {visible(options.kind)} -o FILE"))
    output = Path(options.output)
    if output.suffix == ".safetensors":
        what = "the network goes into a JSON file, its tensors into a .safetensors beside it"
        raise UsageError(Fault("U001", what, f"-o {output.with_suffix('.json').name}"))
    builder = make(options.kind, options_for(options.kind, chosen))
    from resdebug.generators.writing import write

    with ProgressBar() as bar:
        written = write(
            builder, output, force=options.force, progress=lambda done, total: bar.report("tensors", done, total)
        )
    network = written.network
    if options.json:
        told = {
            "file": str(output), "kind": options.kind, "parameters": written.parameters,
            "nodes": len(network.nodes), "edges": len(network.edges), "target": network.target,
            "dtype": network.dtype, "seed": options.seed, "bytes": written.size,
            "tensors": None if written.tensors is None else str(written.tensors), "tensor_bytes": written.tensors_size,
        }  # fmt: skip
        print(json.dumps(told))
        return 0
    beside = f" + {written.tensors.name} {human_bytes(written.tensors_size)}" if written.tensors else ""
    print(
        f"{visible(str(output))}: {options.kind}, {written.parameters:,} parameters, {len(network.nodes):,} nodes, "
        f"{human_bytes(written.size)}{visible(beside)}"
    )
    return 0


def list_kinds(*, as_json: bool) -> int:
    """Print every kind with what it is, the options it takes and where it was published."""
    if as_json:
        rows = [
            {"kind": k.name, "about": k.about, "source": k.source, "options": [_flag(o) for o in k.options]}
            for k in KINDS.values()
        ]
        print(json.dumps(rows, indent=1))
        return 0
    width = max(map(len, KINDS))
    for kind in KINDS.values():
        print(f"{kind.name:<{width}}  {kind.about}" + (f"; {kind.source}" if kind.source else ""))
        print(f"{'':<{width}}  {' '.join(_flag(o) for o in kind.options)}")
    return 0


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"
