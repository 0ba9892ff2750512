"""The JSON Schema of the network file, made from the very classes that validate it."""

from __future__ import annotations

from typing import Any

import msgspec

from resdebug.network.entries import EdgeEntry
from resdebug.network.initialisers import INITIALISERS
from resdebug.network.signature import LEAVES, Catalogue
from resdebug.network.types import FLOATS, ITEM_BYTES
from resdebug.network.values import TensorFile


def json_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) of a network file that uses the operators of ``catalogue``."""
    types = [*catalogue.values(), *INITIALISERS, TensorFile, EdgeEntry]
    _, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    names = {op: c.__name__ for op, c in catalogue.items()}
    for op, name in names.items():
        components[name] = _node(op, components[name])
    components["Value"] = {
        "title": "Value",
        "description": "numbers, an initialiser with its seed, or a tensor in a file beside this one",
        "anyOf": [
            {"type": "number"},
            {"type": "boolean"},
            {"type": "array"},
            *({"$ref": f"#/$defs/{c.__name__}"} for c in (*INITIALISERS, TensorFile)),
        ],
    }
    edges = {"type": "array", "items": {"$ref": "#/$defs/EdgeEntry"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "resdebug network",
        "description": "node-link JSON as networkx.node_link_data writes it",
        "type": "object",
        "properties": {
            "directed": {"const": True},
            "multigraph": {"type": "boolean", "default": True},
            "graph": _about(),
            "nodes": {
                "type": "array",
                "minItems": 1,
                "items": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names.values()]},
            },
            "edges": edges,
            "links": edges | {"description": "the older name of edges"},
        },
        "required": ["directed", "nodes"],
        "oneOf": [{"required": ["edges"]}, {"required": ["links"]}],
        "$defs": components,
    }


def _about() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "dtype": {"enum": list(FLOATS), "default": "float64"},
            "target": {"type": ["string", "integer"], "description": "id of the node that is differentiated"},
        },
    }


def _node(op: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Add what every node has to an operator's attributes."""
    properties = {
        "id": {"type": ["string", "integer"]},
        **attributes["properties"],
        "op": {"const": op},
        "block": {"type": "string", "description": "name of the group that the node belongs to"},
    }
    required = ["id", *attributes.get("required", ["op"])]
    if op in LEAVES:
        properties |= {
            "value": {"$ref": "#/$defs/Value"},
            "dtype": {"enum": list(ITEM_BYTES)},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        }
        required.append("value")
    return attributes | {"properties": properties, "required": required}
