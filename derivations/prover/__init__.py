"""Is every step of a claim true?

Read in this order: claim (what a proved statement is made of), rules (what a step may name), wellposed (can the claim
be read in one way only?), proof (every step, three ways), sizes (small enough for sums to be added up), digits (50
digits at random points), concrete (small sizes, every number a symbol), signs (inequalities), limits (limits and
leading terms).
"""
