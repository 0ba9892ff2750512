"""Network files that are broken as text, or are not node-link graphs."""

from __future__ import annotations

from tests.network.making import END, LINK, ONE, TOP, Broken, beside, graph, node

_DIGITS = "9" * 5000
_SOUND = beside()


def _about(text: str) -> str:
    """Return a sound network with ``text`` as what the file says of itself."""
    return beside(about=f'"target": "end", {text}')


def _deep(levels: int) -> str:
    """Return a network with an array in which the innermost bracket opens on that level."""
    inner = levels - 2  # the document and "graph" are the first two
    opening = "[" * min(inner, 510) + ("¦" if inner > 510 else "") + "[" * max(inner - 510, 0)
    return _about(f'"deep": {opening}{"]" * inner}')


GRAMMAR = [
    Broken("empty", "¦", "J021", what="the file is empty"),
    Broken("blank", " \n\t\n ¦", "J021", what="the file is empty"),
    Broken("words", "¦hello, world", "J020", what="found hello"),
    Broken("cut off", _SOUND[:90] + "¦", "J021", hint="cut off"),
    Broken("cut off inside a string", '{"name": "gra¦', "J021", what="inside a string"),
    Broken("cut off inside a key", '{"directed": true, "gra¦', "J021", what="inside a string"),
    Broken("text after the end", _SOUND + "\n¦x", "J022", hint="remove it"),
    Broken("a second document", _SOUND + "¦{}", "J022"),
    Broken("single quotes", "{¦'directed': true}", "J020", hint="double quotes"),
    Broken("a bare key", "{¦directed: true}", "J020", what="a key in double quotes"),
    Broken("Python's True", '{"directed": ¦True}', "J020", hint="true"),
    Broken("Python's None", '{"directed": ¦None}', "J020", hint="null"),
    Broken("a comma after the last element", '{"nodes": [1, 2, ¦]}', "J020", hint="a comma too many"),
    Broken("a comma after the last key", '{"nodes": [],\n ¦}', "J020", hint="a comma too many"),
    Broken("no comma", '{"nodes": [1 ¦2]}', "J020", what="a comma or ]"),
    Broken("no colon", '{"nodes" ¦[]}', "J020", what="a colon"),
    Broken("the wrong bracket", '{"nodes": [1¦}}', "J020", what="a comma or ]"),
    Broken("a comment", '{¦// nodes\n"nodes": []}', "J020"),
    Broken("a leading zero", _about('"x": ¦01'), "J020"),
    Broken("a plus sign", _about('"x": ¦+1'), "J020"),
    Broken("a point without a digit before it", _about('"x": ¦.5'), "J020"),
    Broken("a point without a digit after it", _about('"x": ¦1.'), "J020"),
    Broken("a hexadecimal number", _about('"x": ¦0x10'), "J020"),
    Broken("a newline in a string", _about('"x": "two¦\nlines"'), "J020", what="U+000A"),
    Broken("a NUL in a string", _about('"x": "a¦\0b"'), "J020", what="U+0000"),
    Broken("an unknown escape", _about('"x": "a¦\\q"'), "J020", what="an unknown escape"),
    Broken("an unknown escape at the end of the file", '{"x": "a¦\\q"}', "J020", what="an unknown escape"),
    Broken("an unknown escape in a key", '{"a¦\\q": 1,\n "nodes": []}', "J020", what="an unknown escape"),
    Broken("a newline in a key", '{"a¦\n": 1}', "J020", what="U+000A"),
    Broken("half an escape", _about('"x": "a¦\\u12"'), "J020", what="an unknown escape"),
    Broken("a no-break space between tokens", '{¦\u00a0"nodes": []}', "J020", what="U+00A0"),
    Broken("two byte order marks", b"\xef\xbb\xbf\xef\xbb\xbf{}", "J020", what="U+FEFF", places=((1, 1),)),
    Broken("NaN", _about('"x": ¦NaN'), "J033", hint=".npz"),
    Broken("nan", _about('"x": ¦nan'), "J033"),
    Broken("Infinity", _about('"x": ¦Infinity'), "J033", hint=".npz"),
    Broken("minus Infinity", _about('"x": [1.5, ¦-Infinity]'), "J033", hint=".npz"),
    Broken("1e999", _about('"x": ¦1e999'), "J034", what="1e999", hint="scale it down"),
    Broken("-1e400", _about('"x": ¦-1e400'), "J034"),
    Broken("an integer of 5 000 digits", _about(f'"x": ¦{_DIGITS}'), "J034", what="5000 digits", hint="shorten it"),
    Broken("nested 513 deep", _deep(513), "J030", what="512", hint="flatten"),
    Broken("nested 1 000 deep", _deep(1000), "J030", what="512", hint="flatten"),
    Broken("nested 100 000 deep", _deep(100_000), "J030", what="512", hint="flatten"),
    Broken("a key twice", '{"nodes": [],\n "nodes": []}'.replace(' "nodes"', ' ¦"nodes"'), "J031", what="line 1"),
    Broken("a key twice, once escaped", _about('"x": 1, ¦"\\u0078": 2'), "J031", what='"x"', hint="keep one"),
    Broken("a key twice in a node", beside('{"id": "z", "op": "sum",\n   ¦"id": "y"}'), "J031", what="line 6"),
    Broken("half a surrogate pair", _about('"x": ¦"a\\ud800b"'), "J032", hint="the character itself"),
    Broken("the other half", _about('"x": ¦"\\udc00"'), "J032"),
    Broken("half a surrogate pair in a key", _about('¦"\\ud83d": 1'), "J032"),
    Broken(
        "three at once",
        _about('"x": 1,\n ¦"x": ¦"\\udfff",\n "y": ¦1e999'),
        "J031 J032 J034",
        what='key "x" appears twice',
    ),
]

ENCODINGS = [
    Broken("UTF-16, little end first", _SOUND.encode("utf-16"), "J010", hint="UTF-8"),
    Broken("UTF-16, big end first", b"\xfe\xff" + _SOUND.encode("utf-16-be"), "J010", hint="UTF-8"),
    Broken("UTF-16 without a mark", _SOUND.encode("utf-16-le"), "J010", hint="UTF-8"),
    Broken("UTF-32", _SOUND.encode("utf-32"), "J010", hint="UTF-8"),
    Broken("UTF-32 without a mark", _SOUND.encode("utf-32-be"), "J010", hint="UTF-8"),
    Broken("Latin-1", b'{\n "na\xefve": 1}', "J010", what="0xef at offset 6", hint="UTF-8", places=((2, 5),)),
    Broken("an overlong sequence", b'{"\xc0\xaf": 1}', "J010", what="0xc0 at offset 2", places=((1, 3),)),
    Broken("a surrogate in UTF-8", b'{"\xed\xa0\x80": 1}', "J010", what="0xed at offset 2", places=((1, 3),)),
    Broken("cut inside a character", b'{"caf\xc3', "J010", what="0xc3 at offset 5", places=((1, 6),)),
    Broken("a byte order mark, then Latin-1", b'\xef\xbb\xbf{"\xef": 1}', "J010", what="0xef", places=((1, 3),)),
]

STRUCTURE = [
    Broken("an array", "¦[]", "J040", what="an array", hint="node_link_data"),
    Broken("a number", "¦3", "J040", what="a number"),
    Broken("a string", '¦"net"', "J040", what="a string"),
    Broken("null", "¦null", "J040", what="null"),
    Broken("true", "¦true", "J040", what="true or false"),
    Broken("an array after blank lines", "\n\n  ¦[1, 2]", "J040", what="an array"),
    Broken("no nodes", f'¦{{{TOP}, "edges": []}}', "J040", what='no "nodes"', hint="node_link_data"),
    Broken("no edges", f'¦{{{TOP}, "nodes": [{ONE}]}}', "J040", what='no "edges"', hint="node_link_data"),
    Broken("nodes are an object", f'{{{TOP}, "nodes": ¦{{}}, "edges": []}}', "J040", what="an object, not an array"),
    Broken("edges are a string", f'{{{TOP}, "nodes": [{ONE}], "edges": ¦"none"}}', "J040", what="a string"),
    Broken("links are null", f'¦{{{TOP}, "nodes": [{ONE}], "links": null}}'.replace("null", "¦null")[1:], "J040"),
    Broken("a node is a string", beside('¦"relu"'), "J040", what="node 2 is a string", hint="node_link_data"),
    Broken("a node is null", beside("¦null"), "J040", what="node 2 is null"),
    Broken("graph is an array", beside().replace('{"target": "end"}', "¦[]"), "J040", what="an array"),
    Broken("multigraph is a string", beside(top='"directed": true, "multigraph": ¦"yes"'), "J040"),
    Broken("the name is a number", _about('"name": ¦3'), "J041", what="name is a number"),
    Broken("the description is null", _about('"description": ¦null'), "J041", what="description is null"),
    Broken("the element type is an array", _about('"dtype": ¦["float64"]'), "J041", what="dtype is an array"),
    Broken("a block is a number", beside(node("z", "input", '"value": 1, "block": ¦7')), "J041", what="a number"),
    Broken("no nodes at all", f'{{{TOP}, "nodes": ¦[], "edges": []}}', "G012", hint="at least an input"),
    Broken("undirected", beside(top='"directed": ¦false'), "G010", what="not directed", hint="MultiDiGraph"),
    Broken("no word of direction", "¦" + beside(top='"multigraph": true'), "G010", hint="MultiDiGraph"),
    Broken("directed is a string", beside(top='"directed": ¦"true"'), "G010", hint="MultiDiGraph"),
    Broken("edges and links", graph([ONE, END], [LINK], top=TOP + ', "links": ¦[]'), "G011", hint="keep one of them"),
]
