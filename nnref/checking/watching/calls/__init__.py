"""Calls of the functions and classes of a file that calls none of them itself.

Read calling (arguments by name, data in the forms that programs take) and pairing (which gradient belongs to which
parameter), then driving (`ways_of_calling`: objects are made and trained, functions called in their order), driven
(which of the ways is believed), later_trainings (what a program trains after the watched steps), later_classes
(networks that it trains later, by themselves), cost_functions (a cost and its gradient as two functions) and
layer_shapes, own_calls, layer, layer_classes, layer_pairs and layer_report (single
layers, each checked as a vector-Jacobian product).
"""
