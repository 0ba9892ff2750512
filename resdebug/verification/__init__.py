"""A trace checked with none of the code that made it.

Elsewhere in the package an operator is written down once. Here it is written a second time, on purpose: whoever
checks a ledger must not have kept it, or a mistake in an operator would prove itself right. So this package imports
nothing of ``engine`` or ``ops``, and of nothing that does; it reads the file by itself, from the description of the
format, and its formulas are slow and plain: from the definition, in double precision, with a bound for what rounding
may have done. No number that anybody is shown as part of a pass is computed here.
"""
