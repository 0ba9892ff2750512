"""oneDNN, a library of fast loops for processors (https://uxlfoundation.github.io/oneDNN), used where it is installed.

``library`` finds and declares it; ``convolution`` has what is asked of it. It works in single precision only; all else,
and everything where it is missing, is done by numpy.
"""
