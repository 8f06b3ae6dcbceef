"""Proofs as people see them: printing (LaTeX and plain text), page (Markdown), description (a claim as plain
data), verdict (the last one, kept)."""
