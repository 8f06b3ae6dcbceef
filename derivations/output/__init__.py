"""Proofs as people see them.

Read in this order: printing (LaTeX and plain text), description (a claim as plain data), context (what a section may
refer to), quoting (lines of the project), page (Markdown), verdict (the last one, kept).
"""
