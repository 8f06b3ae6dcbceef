"""What is right, and which line is the first that is not.

Read verdicts, usual_factor and judging (each parameter under each loss that may be meant), later_passes (gradients of a
second forward pass) and guesses (when a guessed loss may accuse), then right_values (which values of the backward pass
are right), odd_terms (a term of a sum with another factor than the others), decays (a slope beside a decay),
derivatives (of what 1 - A**2 is one), meant_for (a slope that is used as another one), objects (engines of values with
a slope), on_the_step (between a gradient and its step), first_wrong (the line) and on_the_way (does a statement lie on the way to an update?).
"""
