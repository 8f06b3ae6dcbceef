"""How a file that calls nothing is called.

Read calling (arguments by their names, data in the forms that programs take) and pairing (which gradient is whose),
then driving (`ways(program)`: objects are made and trained, functions called in their order), driven (which of the
ways is believed), later_classes (networks that a program trains later), cost_functions (a cost and its gradient as two
functions) and layer_shapes, own_calls, layer, layer_classes, layer_pairs and layer_report (layers by themselves, each
as a vector-Jacobian product).
"""
