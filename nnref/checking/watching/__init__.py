"""Reading a program by what its numbers do: one training step is watched, and judged from what was recorded.

The program is not patched and its arrays are plain arrays. Its source is rewritten before it runs
(recording/rewriting.py), so that every operator, call, subscript and assignment of the person's own lines passes
through a recorder (recording/recorder.py); numpy itself, and every other library, runs as it is. A value is known by
identity, a view by the memory that it shares with its array, and a call into a library is one operation, with its line,
whether or not it has a rule.

The parts, each knowing only those before it; the docstring of each is a list of what to read:

    recording/     what is computed while the program runs: tape, recorder, rewriting
    world/         what a program reads, draws and imports, answered: `world.prepared(path, data, seed)`
    program        a file, its modules and its random numbers, executed once under a recorder
    calculus/      the slope of every recorded value
    meaning/       labels, outputs, parameters, losses, optimisers and rates
    verdict/       which gradients are right, and which is the first wrong line
    sufficing      is enough of a program on the tape?
    runs           a program run several times, elsewhere or near
    watch          `watch(path, ...) -> Watched`
    telling/       the certificate, the cautions, and the line to try
    traces/        what was recorded, computed again where the program never ran
    calls/         how a file that calls nothing is called; layers by themselves

How `world` meets the core: `with world.prepared(path, data, seed):` is entered around the execution of the file. Within
it, modules, `open`, `np.load` and their like are answered. An array that is handed out is marked by
`recorder.leaf(array, "data")` or `recorder.leaf(array, "labels")`, which returns the array itself; whatever is sliced
from it shares its memory and is known, so a table that holds pixels and labels marks two arrays and hands out views.
What a stand-in computes from marked arrays is a call like any other: its result depends on what went in.

How `calls.driving` meets the core: a WayToCall has a name, says whether its calls are guessed, and has
`run(namespace)`. It is called once for each seed, in a fresh namespace of definitions, under the recorder that
`recorder.current()` gives, and marks its X and Y as above. Gradients that are returned and update nothing are stated by
`recorder.current().pair(parameter, gradient, name)`, arrays or scalars as the program holds them.
"""
