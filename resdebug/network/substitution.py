"""The same network with other numbers at some of its leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from resdebug.errors import BadInput, Fault, Place, UsageError, quoted
from resdebug.network.faults import FaultList
from resdebug.network.model import Network, Node
from resdebug.network.parts import Nodes
from resdebug.network.shapes import ShapeChecker
from resdebug.network.tensorfiles import TensorFault, refused
from resdebug.network.types import TensorType
from resdebug.network.values import Numbers, Value, fitted
from resdebug.text import did_you_mean, visible

if TYPE_CHECKING:
    from resdebug.network.distinct import Distinct
    from resdebug.network.signature import Signature


def with_values(network: Network, arrays: Mapping[str, Any]) -> Network:
    """Return ``network`` with ``arrays`` as the values of the inputs, parameters or constants they name.

    Arrays are copied and take the leaf's element type; their shapes may differ from the old ones if every operator
    still agrees. Raises UsageError for a name that is no leaf, BadInput when shapes no longer fit or a number would
    change.
    """
    values: dict[str, Value] = dict(network.values)
    before = network.nodes.types
    types = {i: before.at(i) for i in np.flatnonzero(network.nodes.leaf).tolist()}
    for name, array in arrays.items():
        if name not in values:
            hint = did_you_mean(name, values)
            what = f'"{visible(name)}" is not an input, parameter or constant'
            raise UsageError(Fault("G052", what, hint or f"there is {quoted(values)}"))
        node = network[name]
        copied = numbers_for(array, node)
        values[name] = Numbers.of(copied)
        types[node.index] = TensorType(copied.shape, node.dtype)
    changed = any(before.at(i) != type_ for i, type_ in types.items())
    nodes = _retyped(network, types) if changed else network.nodes
    result = Network(
        name=network.name,
        description=network.description,
        target=network.target,
        dtype=network.dtype,
        nodes=nodes,
        values=values,
        about=network.about,
        warnings=network.warnings,
        catalogue=network.catalogue,
        limit=network.limit,
        inputs_first=network.inputs_first,
    )
    result.schedules = network.schedules
    if not changed:
        result.programs = network.programs
    return result


def numbers_for(array: Any, node: Node) -> np.ndarray:
    """Return a copy of ``array`` in the element type of ``node``. Raises BadInput rather than to change a number."""
    place = Place(node=node.name)
    try:
        given = np.array(array)
        if given.dtype.kind not in "fiub":
            what = f'the value given for "{visible(node.name)}" holds {visible(str(given.dtype))}, not numbers'
            raise BadInput(Fault("S011", what, f"give {node.type}", place))
        return np.array(fitted(given, node.dtype))
    except ValueError as error:
        what = f'the value given for "{visible(node.name)}": {visible(str(error))}'
        raise BadInput(Fault("S014", what, "every row needs the same length", place)) from None
    except TensorFault as error:
        raise refused(error, place) from None


def _retyped(network: Network, leaves: Mapping[int, TensorType]) -> Nodes:
    faults, nodes = FaultList(), network.nodes
    checker = ShapeChecker(faults, nodes.names, "edges", nodes.wires, network.limit)
    types = checker.run(network.inputs_first, cast("Distinct[Signature | None]", nodes.operators), leaves)
    faults.stop_if_any()
    return nodes.with_types(cast("Distinct[TensorType]", types))
