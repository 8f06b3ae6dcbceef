"""How the site is made, apart from MkDocs: hooks.py calls these modules, and none of them imports mkdocs."""
