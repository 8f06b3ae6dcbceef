"""The recording, computed again in a process that never ran the program, which so cannot forge it.

Read trace (what was recorded, as bytes that hold no code), places (does a file have an operation where a trace says
so?), left_out (does a trace leave out a part of what its file computes?) and replay (each value from the leaves).
"""
