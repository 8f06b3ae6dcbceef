"""The mathematics as proved claims: SymPy only, never numpy, never nnref."""
