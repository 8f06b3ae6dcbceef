"""TeX to SVG and MathML while the site is built, by MathJax in quickjs, both from pip: nothing runs in the browser.

A formula arrives in a page as Markdown left it, in a tag of class arithmatex, and leaves as an SVG that takes the
colour of the text around it, followed by the same formula in MathML for those who listen. The outlines of the glyphs
stand once on a page.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

SCRIPTS = (
    "loader.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-full.js",
    "output/svg.js",
    "output/svg/fonts/tex.js",
)

PRELUDE = """
globalThis.global = globalThis;
globalThis.console = {log() {}, warn() {}, error() {}, info() {}};
globalThis.setTimeout = function () { return 0; };
globalThis.MathJax = {
  loader: {load: [], require: function (file) { throw Error('MathJax would load ' + file); }},
  startup: {typeset: false, ready() {}}
};
"""

PROGRAM = """
var M = MathJax._, adaptor = M.adaptors.liteAdaptor.liteAdaptor();
M.handlers.html_ts.RegisterHTMLHandler(adaptor);
var tex = new M.input.tex_ts.TeX({
  packages: ['base', 'ams', 'boldsymbol', 'cancel', 'html', 'textmacros', 'mathtools', 'newcommand'],
  formatError(jax, error) { throw Error(error.message); }
});
var svg = new M.output.svg_ts.SVG({fontCache: 'local', font: new M.output.svg.fonts.tex_ts.TeXFont()});
var page = M.mathjax.mathjax.document('', {InputJax: tex, OutputJax: svg});
var visitor = new M.core.MmlTree.SerializedMmlVisitor.SerializedMmlVisitor();
function render(source, lines, display) {
  return JSON.stringify([
    lines.map(function (line) { return adaptor.outerHTML(page.convert(line, {display: display})); }),
    visitor.visitTree(page.convert(source, {display: display, end: M.core.MathItem.STATE.CONVERT}))
  ]);
}
"""

SMALLEST = 0.72
"""Smallest scale of a formula on a narrow page; below that it scrolls."""

VERSION = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""Version of this program in the key of cached formulas."""

STACK = 64 << 20
"""Bytes of stack for MathJax, whose parser is recursive."""


class BadTeX(ValueError):
    """MathJax cannot read a formula."""


class Unbound(ValueError):
    """A displayed formula does not come from a checked claim."""


class Typesetter:
    """Formulas as HTML. Each is typeset once, and kept in a file from build to build."""

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        self.made: dict[str, str] = {}
        if kept.is_file():
            old = json.loads(kept.read_text(encoding="utf-8"))
            self.made = old["made"] if old["version"] == VERSION else {}
        self.before = len(self.made)
        self._render: Render | None = None

    def __call__(self, tex: str, display: bool) -> str:
        """The formula as HTML: an SVG for the eye, MathML for the ear.

        Errors: BadTeX with MathJax's reason.
        """
        key = f"{'display' if display else 'inline'} {tex}"
        if key not in self.made:
            self._render = self._render or engine()
            self.made[key] = typeset(self._render, tex, display)
        return self.made[key]

    def save(self) -> None:
        """Keep what was typeset for the next build."""
        if len(self.made) != self.before:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"version": VERSION, "made": self.made}, ensure_ascii=False)
            self.kept.write_text(text, encoding="utf-8")


def available() -> bool:
    """Whether formulas can be typeset here, while the site is built."""
    try:
        import quickjs
    except ImportError:
        return False
    return hasattr(quickjs, "Context")


IN_THE_BROWSER = "tex-svg-full.js"
"""What typesets in the browser, in one file, where nothing can here."""


def mathjax() -> Path:
    """The folder of MathJax's scripts, in the installed package.

    Errors: ImportError saying what to install.
    """
    try:
        return Path(str(files("mathjax") / "static/mathjax/es5"))
    except ImportError as error:
        raise ImportError(f"MathJax is missing ({error}): pip install django-static-mathjax quickjs-ng") from error


Render = Callable[[str, Sequence[str], bool], str]


def engine() -> Render:
    """MathJax, started in quickjs: (TeX, the same in parts, display) to a JSON array of the parts' SVGs, and MathML."""
    import quickjs

    context = quickjs.Context()
    context.set_max_stack_size(STACK)
    for source in (PRELUDE, *((mathjax() / name).read_text(encoding="utf-8") for name in SCRIPTS), PROGRAM + ";0"):
        context.eval(source)
    return lambda *given: context.eval(f"render({', '.join(map(json.dumps, given))})")


TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
DEEPER = {"{": 1, "}": -1, r"\left": 1, r"\right": -1, r"\begin": 1, r"\end": -1}
RELATIONS = {"=", ">", "<", r"\to", r"\neq", r"\not", r"\ge", r"\le"}
SIGNS = {"+", "-"}
CONDITION = (r"\left", "[")
"""How a factor begins that is 1 where what it holds is true, else 0."""


def in_lines(tex: str) -> list[str]:
    """A displayed formula, cut where a narrow page may break it: before every relation, sign and condition.

    Only those that stand in no bracket, and no sign that follows a relation, for it belongs to what comes after.
    """
    lines, depth = [""], 0
    tokens = TOKEN.findall(tex)
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        depth += DEEPER.get(token, 0)
        begun = lines[-1].removeprefix("{}").split()
        if not depth and (
            (token in RELATIONS and begun[-1:] != [r"\not"])
            or (token in SIGNS and begun and begun[-1] not in RELATIONS)
        ):
            lines.append("{}")
        elif (token, after) == CONDITION and depth == 1 and begun and begun[-1] not in RELATIONS:
            lines.append("")
        lines[-1] += token
    return [line for line in lines if line.strip()]


LEAST = re.compile(r'<svg style="([^"]*)"([^>]*?) width="([\d.]+)ex"')


def shrinkable(found: re.Match[str]) -> str:
    """A line of a formula that becomes smaller where it does not fit, down to a limit."""
    style = f"{found[1].rstrip('; ')}; min-width: {SMALLEST * float(found[3]):.2f}ex"
    return f'<svg style="{style}"{found[2]} width="{found[3]}ex"'


def typeset(render: Render, tex: str, display: bool) -> str:
    """One formula as HTML, its glyphs still with it."""
    try:
        svgs, mathml = json.loads(render(tex, in_lines(tex) if display else [tex], display))
    except Exception as error:
        reason = str(error).strip().splitlines()[0].removeprefix("Error: ")
        raise BadTeX(f"{reason} in {tex}") from error
    svg = "".join(svg[svg.index("<svg") : svg.rindex("</svg>") + len("</svg>")] for svg in svgs)
    svg = f'<span class="lines">{LEAST.sub(shrinkable, svg)}</span>' if display else svg
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "").replace("xlink:href", "href")
    svg = svg.replace('role="img" focusable="false"', 'aria-hidden="true" focusable="false"')
    svg = re.sub(r' data-(?:mml-node|mjx-texclass|c)="[^"]*"', "", svg)
    mathml = re.sub(r">\s+<", "><", mathml.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', ""))
    mathml = re.sub(r' (?:data-mjx-\w+|class)="[^"]*"', "", mathml)
    return f'{svg}<span class="mml">{mathml}</span>'


GLYPH = re.compile(r'<path id="MJX-\d+-([^"]+)" d="([^"]*)"></path>')


def shared(page: str) -> str:
    """The page with one outline of each glyph at its end, where every formula came with its own."""
    outlines: dict[str, str] = {}

    def collect(found: re.Match[str]) -> str:
        outlines[found[1]] = found[2]
        return ""

    page = GLYPH.sub(collect, page).replace("<defs></defs>", "")
    page = re.sub(r'href="#MJX-\d+-', 'href="#MJX-', page)
    if not outlines:
        return page
    paths = "".join(f'<path id="MJX-{name}" d="{d}"/>' for name, d in sorted(outlines.items()))
    glyphs = f'<svg class="glyphs" width="0" height="0" aria-hidden="true"><defs>{paths}</defs></svg>'
    return page.replace("</body>", f"{glyphs}</body>", 1)


PLAIN = re.compile(r"(\\(?:text|operatorname|begin|end|mathrm|mathbb|mathcal)\*?\s*\{[^{}]*\})")


def marked(tex: str, symbols: Sequence[Mapping[str, str]]) -> str:
    r"""The TeX with every occurrence of a symbol in a class of its own, sym-0 for the first of symbols and so on.

    A symbol is found as a word: W is not found in \Warning, nor in the text of \operatorname{W}.
    """
    numbered = sorted(
        ((symbol["latex"], k) for k, symbol in enumerate(symbols) if symbol.get("latex")),
        key=lambda pair: -len(pair[0]),
    )
    if not numbered:
        return tex
    index = dict(numbered)
    words = "|".join(re.escape(latex) for latex, _ in numbered)
    pattern = re.compile(rf"(?<![A-Za-z\\])(?:{words})(?![A-Za-z])")

    def mark(found: re.Match[str]) -> str:
        return rf"{{\class{{sym sym-{index[found[0]]}}}{{{found[0]}}}}}"

    return "".join(part if k % 2 else pattern.sub(mark, part) for k, part in enumerate(PLAIN.split(tex)))


FORMULA = re.compile(
    r'(?P<of><div class="formula[^>]*>\s*)?<(?P<tag>div|span) class="arithmatex">'
    r"\\(?P<open>[\[(])(?P<tex>.*?)\\[\])]</(?P=tag)>",
    re.DOTALL,
)
BOUND = re.compile(r'data-(claim|quote)="([^"]+)"')


Make = Callable[[str, bool], str]
Symbols = Mapping[str, Sequence[Mapping[str, str]]]


def typeset_page(page: str, make: Make | None, symbols: Symbols) -> str:
    """The page with all its formulas typeset, each in the symbols of the claim that it is bound to.

    Without make the formulas stay TeX, for the browser, but must be bound all the same.
    Errors: BadTeX for a formula that MathJax cannot read; Unbound for a displayed one that names no claim or quotation.
    """

    def one(found: re.Match[str]) -> str:
        tex, display = html.unescape(found["tex"]).strip(), found["open"] == "["
        bound = BOUND.search(found["of"] or "")
        if display and not bound:
            raise Unbound(f"this displayed formula belongs to no claim and no quotation: {tex}")
        known = symbols.get(bound[2], ()) if bound else ()
        opening, closing = ("\\[", "\\]") if display else ("\\(", "\\)")
        made = make(marked(tex, known), display) if make else f"{opening}{html.escape(tex)}{closing}"
        return f'{found["of"] or ""}<{found["tag"]} class="math" data-tex="{html.escape(tex)}">{made}</{found["tag"]}>'

    return shared(FORMULA.sub(one, page))
