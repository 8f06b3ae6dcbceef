"""What is true of a tape: rules (the derivative of each operation), slopes (∂/∂(every recorded value) of a scalar).

Then graph (what depends on what, as sets of bits), factors (one factor between two arrays, in all runs) and multiples
(of which of many arrays one is a multiple).
"""
