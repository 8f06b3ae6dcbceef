"""Reading a program by what its numbers do: one training step is watched, and judged from what was recorded.

The program is not patched and its arrays are plain arrays. Its source is rewritten before it runs (rewriting.py), so
that every operator, call, subscript and assignment of the person's own lines passes through a recorder (recorder.py);
numpy itself, and every other library, runs as it is. A value is known by identity, a view by the memory that it shares
with its array, and a call into a library is one operation, with its line, whether or not it has a rule.

The parts, each knowing only those before it:

    packages       where the modules of a program lie
    rewriting      source -> the same program, speaking to a recorder
    tape           Node, Tape: what was computed, from what, on which line, and what depends on what
    memory, values, graph                          which values are known, and what depends on what
    minimising     a search by scipy, as plain steps along the gradient that it is given
    recorder       Recorder: the hooks, the leaves, in-place writes; `leaf(array, kind)` marks data and labels
    program        a file, its modules and its random numbers, executed once under a recorder
    world/         what a program reads, draws and imports, answered: `world.prepared(path, data, seed)`
    driving        `driving.ways(program)`: calls for a file that calls nothing
    calling        arguments by their names, data in the forms that programs take
    rules          the derivative of each operation
    slopes         ∂/∂(every recorded value) of a recorded scalar, by reverse mode; replay is its witness
    parameters, losses, judging, verdicts          what is meant, and what is true
    targets                                        labels that are the data, told from them
    several_labels                                 labels of two outputs of one network
    micro_batches                                  one step from several forward passes
    factors, rates                                 one factor in all runs; numbers between a gradient and its step
    right_values, odd_terms, first_wrong           which values are right, and which is the first wrong line
    pairing, optimisers                            which gradient is whose, where a step hides it
    watch          `watch(path, ...) -> Watched`
    driven         which of the ways of driving is believed
    layer_pairs, layer_shapes, layer_report        layers by themselves, each as a vector-Jacobian product
    cautions, mending                              what is no mistake but worth a line, and the line to try
    report         what was seen, as a certificate
    trace, places, replay                          what was recorded, computed again where the program never ran

How `world` meets the core: `with world.prepared(path, data, seed):` is entered around the execution of the file. Within
it, modules, `open`, `np.load` and their like are answered. An array that is handed out is marked by
`recorder.leaf(array, "data")` or `recorder.leaf(array, "labels")`, which returns the array itself; whatever is sliced
from it shares its memory and is known, so a table that holds pixels and labels marks two arrays and hands out views.
What a stand-in computes from marked arrays is a call like any other: its result depends on what went in.

How `driving` meets the core: a Way has a name, says whether its calls are guessed, and has `run(namespace)`, which is
called once for each seed, in a fresh namespace of definitions, under the recorder that `recorder.current()` gives. It
marks its X and Y as above. Gradients that are returned and update nothing are stated by
`recorder.current().pair(parameter, gradient, name)`, arrays or scalars as the program holds them.
"""
