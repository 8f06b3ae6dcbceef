"""How the site is made: what MkDocs has no part in. hooks.py calls it; nothing here imports mkdocs."""
