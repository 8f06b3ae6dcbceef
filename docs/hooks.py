"""MkDocs hooks: pages made from the proofs, prose that may name formulas but not type them, TeX set at build.

What is not about MkDocs is in press/. Every way to stop the build is a BuildStops with one line that says where.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

HERE = Path(__file__).resolve().parent
for place in (HERE, HERE.parent):  # MkDocs forgets sys.path after loading this file, but not what was imported
    sys.path.insert(0, str(place))

from press import card, directives, glossary, measures, pages, plain, prose, runs, sources, typeset  # noqa: E402
from press.sources import BuildStops  # noqa: E402


def stopping(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook, with what stops the build as MkDocs's own kind of error, which prints as one line."""

    @wraps(hook)
    def guarded(*arguments: Any, **named: Any) -> Any:
        try:
            return hook(*arguments, **named)
        except (BuildStops, ImportError) as error:
            raise PluginError(str(error)) from error

    return guarded


@stopping
def on_config(config: Any, **_: Any) -> Any:
    """Prove, and read the report: a false step or a red witness stops the build here."""
    for place in (HERE, HERE.parent):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    sources.derivations()
    sources.report()
    measures.begun()
    runs.begin(HERE)
    add_to_navigation(config.nav, pages.navigation())
    config.extra["typesetter"] = typeset.Typesetter(sources.KEPT / "formulas.json") if typeset.available() else None
    if config.extra["typesetter"] is None:
        typeset.mathjax()
        config.extra_javascript.append(f"assets/mathjax/{typeset.IN_THE_BROWSER}")
    return config


def add_to_navigation(nav: list[dict[str, Any]], made: dict[str, list[Any]]) -> None:
    """The pages that are made stand at the end of the list of their tab."""
    for tab in nav:
        for title, entries in tab.items():
            if title in made:
                entries.extend(made[title])


@stopping
def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the pages that are made: one a concept, and that of the tests."""
    for path, markdown in pages.generated(config.extra["repository"]).items():
        files.append(File.generated(config, path, content=markdown))
    return files


@stopping
def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Prose by hand is read for typed mathematics, then its directives are resolved; a page says what it is about."""
    if not page.file.generated_by:
        path = f"docs/{page.file.src_uri}"
        prose.refuse_typed(markdown, path)
        markdown = prose.resolve(markdown, path, directives.table(page.file.src_uri, config.extra["repository"]))
    if description := plain.opening(markdown):
        page.meta.setdefault("description", description)
    return markdown


ID = re.compile(r' id="([^"]+)"')


def each_id_once(page: str) -> str:
    """The page with a formula's anchor where the formula stands first; a second showing has none."""
    seen: set[str] = set()

    def once(found: re.Match[str]) -> str:
        if found[1] in seen:
            return ""
        seen.add(found[1])
        return found[0]

    return ID.sub(once, page)


@stopping
def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Anchors are unique on a page, and words of the glossary lead there where they stand first."""
    html = each_id_once(html)
    if page.file.generated_by or page.file.src_uri in glossary.WITHOUT:
        return html
    return glossary.linked(html, page.file.src_uri, glossary.terms())


@stopping
def on_post_page(output: str, page: Any, config: Any) -> str:
    """Typeset the formulas, after the search index has read their TeX."""
    make = config.extra["typesetter"]
    known = {name: claim.get("symbols") or () for name, claim in sources.derivations()["claims"].items()}
    try:
        output = typeset.typeset_page(output, make, known)
    except (typeset.BadTeX, typeset.Unbound) as error:
        raise BuildStops(f"{page.file.src_uri}: {error}") from error
    return card.announced(pages.with_symbols(named_dialog(output), known), page, config)


NOT_HERE = '<p>No page has this address. Begin at <a href="{home}">home</a>, or search: every result has its name.</p>'


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """The page for what is not found is a template and no page; it says where to go on."""
    if not template_name.endswith(".html"):
        return output_content
    home = urlsplit(config.site_url or "/").path  # this page may be shown at any address: no link to home is relative
    said = f"Not here</h1>\n{NOT_HERE.format(home=home)}"
    return named_dialog(output_content).replace("404 - Not found</h1>", said)


def named_dialog(output: str) -> str:
    """The theme's search dialog with a name for those who do not see it."""
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )


@stopping
def on_post_build(config: Any) -> None:
    """Keep what was typeset; where nothing can be, the page's own browser does it, from the same package.

    The card is drawn, and the words that are searched are made readable: they hold TeX.
    """
    site = Path(config.site_dir)
    card.draw(site / card.PLACE)
    index = site / "search" / "search_index.json"
    index.write_text(plain.index(index.read_text(encoding="utf-8")), encoding="utf-8")
    if config.extra["typesetter"] is not None:
        config.extra["typesetter"].save()
        return
    place = Path(config.site_dir) / "assets" / "mathjax"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(typeset.mathjax() / typeset.IN_THE_BROWSER, place)
