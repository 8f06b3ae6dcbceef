"""A person's file as a network that can be called.

Read in this order: source (text and syntax), loading (what of it is executed), names and uses (what a name, or what is
done with it, says of its role), arguments (calling a function), containers (arrays in dictionaries, lists and objects),
layout (rows or columns), random_network (parameters and data at which no mistake can hide), candidates (which functions
are the network), network (calling it).
"""
