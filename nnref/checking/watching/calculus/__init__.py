"""The true slopes of a recording: rules (the derivative of each operation), slopes (of a scalar, by every value).

Then guards (small numbers within logarithms), graph (which value depends on which, as sets of bits), factors (is one
array c times another, in all runs?) and multiples (which of many arrays is an array a multiple of?).
"""
