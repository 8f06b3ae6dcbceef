"""What a program computes, recorded while it runs.

Read tape (Node, Tape: what was computed, from what, on which line), then memory and values (which arrays and numbers
are known), of_objects (arrays of objects), tabular (tables and columns), bars (of progress), ordered (sets that are
gone through in one order) and hooks (what an operator, a subscript or an assignment calls), functions (what is known of
one that is called), recorder (calls; leaves, which are marked by `leaf(array, kind)`), rewriting (source -> the same
program, speaking to a recorder) and minimising (a search by scipy, as plain steps along the gradient that it is given).
"""
