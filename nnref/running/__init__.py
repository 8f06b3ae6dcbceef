"""MNIST as columns, and the reference training run.

Read in this order: data (the digits; cache and download beside it), gate (the check before the first step), run (what
a run is), train (the run), progress (what it shows), checkpoint and folder (what it leaves; files writes them whole or
not at all), plots (pictures), errors (what ends it before its time).
"""
