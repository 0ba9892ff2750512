"""The condition language: what stops and watches are written in. Parsed by a grammar of its own; nothing is executed.

``grammar`` makes a tree of the text, ``words`` and ``functions`` are the tables of what may stand in it, ``compiling``
gives every part its kind and turns it into a column over places of a pass (``places``, ``columns``).
"""
