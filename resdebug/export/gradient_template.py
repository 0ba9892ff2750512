"""A file of gradients to be filled in: every name and shape that is expected, and NaN for every number.

NaN and not zeros: a gradient that was forgotten then shows as not filled in, where zeros could be what somebody got.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

import msgspec
import numpy as np

from resdebug.errors import BadInput, Fault, Place, UsageError
from resdebug.export.writing import whole_file
from resdebug.network.model import Node
from resdebug.text import visible

EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def write_template(nodes: Sequence[Node], path: Path, *, force: bool = False) -> int:
    """Write a template with the gradients of ``nodes``, as .npz, .safetensors or .json; return its size in bytes.

    Raises UsageError for another suffix, BadInput for names that such a file cannot hold, CannotCreate and IOFailure.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        what = f'a template is not written as "{visible(path.suffix)}"'
        raise UsageError(Fault("X005", what, f"end the name in {', '.join(WRITERS)}"))
    with whole_file(path, force=force) as stream:
        writer({node.name: node for node in nodes}, stream)
        return stream.tell()


def _empty(node: Node) -> np.ndarray:
    return np.full(node.shape, np.nan, node.dtype)


def _npz(nodes: Mapping[str, Node], stream: IO[bytes]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, node in nodes.items():
            if not _holds(name):
                what = f'an archive cannot hold the name "{visible(name)}"'
                raise BadInput(Fault("A007", what, "write a .safetensors or .json template", Place(node=name)))
            with archive.open(zipfile.ZipInfo(f"{name}.npy", EPOCH), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _empty(node), allow_pickle=False)


def _holds(name: str) -> bool:
    """Whether a name survives as that of an archive's member."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return (
        "\x00" not in name and not name.startswith("/") and ".." not in PurePosixPath(name).parts and len(name) < 2000
    )


def _safetensors(nodes: Mapping[str, Node], stream: IO[bytes]) -> None:
    from safetensors.numpy import save

    if "__metadata__" in nodes:
        what = 'a safetensors file cannot hold the name "__metadata__"'
        raise BadInput(Fault("A007", what, "write an .npz or .json template", Place(node="__metadata__")))
    stream.write(save({name: _empty(node) for name, node in nodes.items()}))


def _json(nodes: Mapping[str, Node], stream: IO[bytes]) -> None:
    # JSON has no NaN: null is a number that is not filled in.
    text = msgspec.json.encode({name: _nulls(node.shape) for name, node in nodes.items()})
    stream.write(msgspec.json.format(text, indent=1) + b"\n" if len(text) < 1 << 16 else text + b"\n")


def _nulls(shape: tuple[int, ...]) -> Any:
    if not shape:
        return None
    return [_nulls(shape[1:]) for _ in range(shape[0])]


WRITERS: Final[dict[str, Callable[[Mapping[str, Node], IO[bytes]], None]]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".json": _json,
}
