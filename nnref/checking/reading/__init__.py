"""A person's file as a network that can be called.

Read in this order: cells (of a notebook, in the order they were run), source (text and syntax), loading (which
statements are executed), names and uses (the role of a variable, from its name and its use), arguments (calling a
function), containers (arrays in dictionaries, lists and objects), layout (rows or columns), random_network (parameters
and data at which no mistake can hide), candidates (which functions are the network), network (calling it).
"""
