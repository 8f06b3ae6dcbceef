"""Proofs as people see them: printing (LaTeX and plain text), page (Markdown), verdict (the last one, kept), shapes."""
