"""The report in the terminal: a row a claim, a column a witness; green, yellow for missing, red for false."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from tests import faults, planted
from tests.support import tools
from tests.support.witnesses import FAILED, MISSING, NOT_APPLICABLE, OK

LOOKS = {
    OK: ("ok", "green"),
    MISSING: ("missing", "yellow"),
    FAILED: ("FALSE", "bold red"),
    NOT_APPLICABLE: ("–", "dim"),
}


def show(made, console=None):
    """The kill table and that of the claims, then a line for each catalogue and everything that is false, in full."""
    console, table = console or Console(highlight=False), claims_table(made["claims"])
    # A narrow terminal wraps the lines, which is better read than words cut short.
    console.width = max(console.width, console.measure(table, options=console.options.update(width=200)).maximum)
    for line in kill_table(made):
        console.print(line, markup=False)
    console.print(table)
    for line in faults_table(made["tests"]):
        console.print(line)
    for name, said in tools.answers(made):
        word, style = LOOKS[said["status"]]
        console.print(Text(f"{word:8s}", style), Text(f"{name}: {said['figure']} ({said['seconds']:.0f} s)"))
    for line in tests_lines(made["tests"]):
        console.print(line)
    console.print(f"{made['mode']} in {made['seconds']:.0f} s, sources {made['sources_sha256'][:12]}")


def kill_table(made):
    """Which check catches which planted mistake in which regime, where the report says so."""
    caught = ((made.get("kill_table") or {}).get("data") or {}).get("caught", {})
    rows = [(bug, caught[bug.name]) for bug in planted.BUGS if bug.name in caught]
    return [planted.table(rows)] if rows else []


def faults_table(tests):
    """What comes of each fault of the surroundings, where the tests that say so were run."""
    said = faults.answers(tests)
    return [faults.table(said)] if set(said.values()) - {"missing"} else []


def claims_table(claims):
    """A cell a witness: one word, and for what is false the figure too."""
    columns = list(dict.fromkeys(witness for claim in claims.values() for witness in claim["witnesses"]))
    heads = [column.replace(" ", "\n", 1) for column in columns]
    table = Table(Column("claim", no_wrap=True), *heads, "tests", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, claim in claims.items():
        cells = [cell(claim["witnesses"].get(column)) for column in columns]
        table.add_row(name, *cells, str(len(claim["tests"])))
    return table


def cell(said):
    """One witness of one claim."""
    word, style = LOOKS[said["status"] if said else MISSING]
    return Text(f"{word}: {said['figure']}" if said and said["status"] == FAILED else word, style)


def tests_lines(tests):
    """How many tests passed; each that did not, by node id."""
    by = {
        outcome: [n for n, t in tests.items() if t["outcome"] == outcome] for outcome in ("passed", "failed", "skipped")
    }
    yield Text(", ".join(f"{len(nodes)} {outcome}" for outcome, nodes in by.items()) + " of the tests")
    for node in by["failed"]:
        yield Text(f"FALSE   {node}: {tests[node].get('says', '')}", "bold red")
    for node in by["skipped"]:
        yield Text(f"missing {node}", "yellow")
