"""The rewritten program is the same program: what it evaluates, in which order, and on which lines."""

import ast

import pytest

from nnref.checking.watching.recording.functions import IN_PLACE, OPERATOR
from nnref.checking.watching.recording.rewriting import HOOK, NATIVE, numbers, rewritten


class Heard:
    """A recorder that computes what the program would, and writes down which hook was called where."""

    slice = slice

    def __init__(self):
        self.calls, self.sites = [], []

    def at(self, hook, site):
        self.calls.append((hook, self.sites[site].line))

    def binary(self, op, a, b, site):
        self.at(op, site)
        return OPERATOR[op](a, b)

    def unary(self, op, a, site):
        self.at(op, site)
        return OPERATOR[op](a)

    def augment(self, op, a, b, site):
        self.at(f"{op} in place", site)
        return IN_PLACE[op](a, b)

    def call(self, site, function, /, *args, **kwargs):
        self.at("call", site)
        return function(*args, **kwargs)

    def item(self, a, index, site):
        self.at("item", site)
        return a[index]

    def put(self, a, index, value, text, site):
        self.at(f"put {text}", site)
        a[index] = value

    def put_last(self, value, a, index, text, site):
        self.put(a, index, value, text, site)

    def named(self, value, text, site):
        self.at(f"name {text}", site)
        return value

    def held(self, value, text, owner, site):
        return self.named(value, text, site)

    def tested(self, test, site):
        return test

    def taken(self, value, tested, site):
        self.at("taken", site)
        return value

    def unpacked(self, values, texts, owners, site):
        self.owners = owners
        self.at(f"names {' '.join(texts)}", site)
        return values

    def literal(self, value, site):
        self.at("literal", site)
        return value

    def truth(self, value, site):
        return int(value)

    def either(self, test, yes, no, site):
        return yes if test else no

    def iterate(self, things, site):
        self.at("iterate", site)
        return things


def run(text):
    """The names of a program that ran rewritten, and what its hooks heard."""
    heard = Heard()
    names = {HOOK: heard}
    exec(compile(rewritten(ast.parse(text), "program.py", heard.sites), "program.py", "exec"), names)
    return names, heard


PROGRAM = """
log = []
def f(x):
    log.append(x)
    return x
a = [10, 20, 30]
a[f(0)] += f(5)
a[f(1)] = f(9)
a[f(1)], (b, *c) = f(7), (f(1), 2, 3)
class Box:
    def __init__(self): self.__v = 1
    def up(self, by=f(2)):
        self.__v *= by
        return self.__v
box = Box()
d = box.up() + box.up(by=3)
e = [x * y for x in range(1, 4) for y in (1, 2) if x != y]
g = {"k": f(4), **{"l": -f(6)}}
h = 1 < f(8) < 9
i = "%d" % 3 + f"{d}"
j = (k := 5) + (k if k > 3 else 0)
m = [[1, 2], [3, 4]]
for n, m[0][1] in enumerate(a): pass
o = a[1:][::-1], a[-1]
p = q = 0
q += 1
try:
    1 / 0
except ZeroDivisionError as error:
    r = error.__traceback__.tb_lineno
match a:
    case [first, *_] if first > 3: s = first
s -= 2; s **= 2
t = not a, -2, +d, ~d, d // 2 % 4 @ Box if False else d // 2
with open(__file__ if False else "/dev/null") as u: pass
"""


def test_the_rewritten_program_makes_the_same_names_in_the_same_order():
    plain = {}
    exec(compile(PROGRAM, "program.py", "exec"), plain)
    names, _ = run(PROGRAM)
    for name in ["log", "a", "b", "c", "d", "e", "g", "h", "i", "j", "k", "m", "n", "o", "p", "q", "r", "s", "t"]:
        assert names[name] == plain[name], name


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("a = 1.5", [("literal", 1), ("name a", 1)]),
        ("a = [1.0, 2.0]\nb = a[0] * -a[1]", [("item", 2), ("item", 2), ("negative", 2), ("multiply", 2)]),
        ("a = [3]\na[0] -= 1", [("item", 2), ("subtract in place", 2), ("put a", 2)]),
        ("a, b = 1, 2", [("literal", 1), ("literal", 1), ("names a b", 1)]),
        ("def f(x):\n    return x\n\na = f(\n  2)", [("call", 4), ("name a", 4)]),
        ("p = dict()\np['W'] = 2", [("put p", 2)]),
        ("for k in [1, 2]: pass", [("iterate", 1)]),
        ("a = b = 0", [("name a", 1), ("name b", 1)]),
    ],
)
def test_hooks_are_called_with_the_lines_of_the_program(text, heard):
    calls = run(text)[1].calls
    for call in heard:
        calls = calls[calls.index(call) + 1 :]


def test_attributes_among_several_targets_have_their_object_unless_that_is_assigned_beside_them():
    """In `a, a.x = b, c` the x is that of the new a, which is not there yet when the values are named."""
    names, heard = run("class Box: pass\na = b = Box()\na.x, b.y, z = 1, 2, 3")
    assert heard.owners == (names["a"], names["b"], None)
    names, heard = run("class Box: pass\na, b = Box(), Box()\na, a.x = b, 1")
    assert heard.owners == (None, None)
    assert names["b"].x == 1


def test_a_number_for_two_names_is_two_numbers():
    """m = b = 0 are two parameters: each must be known by itself."""
    assert [call for call in run("a = b = 0")[1].calls if call[0] == "literal"] == [("literal", 1)] * 2


@pytest.mark.parametrize("name", sorted(NATIVE & {"len", "range", "isinstance", "locals", "super", "print"}))
def test_what_looks_at_its_own_frame_is_called_as_it_stands(name):
    text = ast.unparse(rewritten(ast.parse(f"{name}(x)"), "program.py", []))
    assert text == f"{name}(x)"


@pytest.mark.parametrize(
    ("text", "are"), [("[1, -2.5]", True), ("[[1], (2,)]", True), ("[]", False), ("[a]", False), ("[True]", False)]
)
def test_numbers_that_are_written_out(text, are):
    assert numbers(ast.parse(text, mode="eval").body) is are
