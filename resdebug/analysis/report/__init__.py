"""A report: questions asked of a finished pass, each a section with named numbers, tables, curves and findings.

A section is a module in this package with ``KIND`` (what its numbers, tables and curves are, with unit and a sentence
each) and ``answer(pass_, settings, progress) -> Section``, and a row in ``registry``.
"""
