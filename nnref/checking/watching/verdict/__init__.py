"""What is right, and which line is the first that is not.

Read verdicts, usual_factor, opposite_rates (one divided, one multiplied by the examples), lineages (which update is of
which parameter) and judging (each parameter under each loss that may be meant), choices (which of two slopes), ties (of
several largest entries), decay_terms (what decays), going_on (what an optimiser is given of a gradient), corrections
(the averages that it remembers), remembered (what else goes on from step to step), grown (memories that grow), memory
(gradients within a velocity), newton (a step by a matrix), later_passes (gradients of a second forward pass),
other_networks (those of a second loss), taken_out (slopes that are 0 but for rounding), draws (what has no slope),
guesses (when a guessed loss may accuse), taken_as_given (the slope of a loss that nobody knows), stepped_again (a step
by an old gradient), not_renewed (outputs of an old step) and never_updated (arrays that no line updates). Then
right_values (which values of the backward pass are right), filled (arrays written number by number), excused (of what
right values are made), unseen (what they say nothing of), meant_for (for what a slope is used), misplaced (right
numbers in wrong places), derivatives (the factors that no label goes into), odd_terms (a term of a sum with another
factor than the others), shared_factors (a factor that several gradients have), jumps (where a factor comes in), decays
(a slope beside a decay), objects (slopes that objects hold), signs (steps up the loss), stale (parameters used after
their update), added_rows (lines that add to rows of one table), on_the_step (what an optimiser makes of a gradient),
first_wrong (the line) and on_the_way (does a statement lie on the way to an update?).
"""
