"""The mathematics as proved claims: SymPy only, never numpy, never nnref."""

import os

os.environ.setdefault("SYMPY_CACHE_SIZE", "20000")
# SymPy remembers 1,000 answers of each function; the lines of one claim ask for more, and each again and again.
