"""What a program means, found by what its numbers do: its labels, outputs, parameters, losses, optimisers and rates.

Read likely_labels, updates, other_parts (arrays that are updated part by part) and parameters, then later_steps,
targets (labels that are the data) and several_labels (of two outputs), micro_batches (one step from several forward
passes), optimisers (the gradient that enters one), standard_losses (those that people mean), of_units (scalars that are
none: each of other units), losses (the program's own), rates (the numbers between a gradient and its step) and unjudged
(what changes and no verdict is about).
"""
