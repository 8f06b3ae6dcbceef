"""python -m tests.golden [--json] [--long]: the golden network's digests, its gradient enclosed again, our error."""

import argparse
import hashlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np

import nnref
from nnref.checking.reference import balls, golden, noise, series
from nnref.running.run import parameters_sha256


def digests(theta, X, Y, G):
    """SHA-256 of the parameters, of the batch and of the gradient, as docs/check/vectors.md says."""
    batch = b"".join(np.ascontiguousarray(P, "<f8").tobytes() for P in (X, Y))
    return {
        "parameters": parameters_sha256(theta),
        "batch": hashlib.sha256(batch).hexdigest(),
        "gradient": parameters_sha256(G),
    }


PUBLISHED = {
    "parameters": golden.PARAMETERS_SHA256,
    "batch": golden.BATCH_SHA256,
    "gradient": golden.GRADIENT_SHA256,
}


def worst_of(multiples):
    """The largest multiple of u S, and the entry where it is: (0.5, "dW1[3, 5]")."""
    p = max(multiples, key=lambda p: multiples[p].max())
    i, j = np.unravel_index(multiples[p].argmax(), multiples[p].shape)
    return float(multiples[p][i, j]), f"d{p}[{i}, {j}]"


def examined(long):
    """The digests under this very BLAS, every entry's distance in units of rounding, and, if long, the second route."""
    layers, theta, X, Y = golden.network()
    G, enclosure = balls.gradient(layers, theta, X, Y)
    S = noise.scale(layers, theta, X, Y, "float64")
    multiples = balls.multiples_in_balls(nnref.gradients(layers, theta, X, Y), enclosure, S, "float64")
    entries, (worst, where) = sum(M.size for M in multiples.values()), worst_of(multiples)
    found = digests(theta, X, Y, G)
    ok = found == PUBLISHED and worst <= 1
    published = "as published" if found == PUBLISHED else "not those published"
    figure = f"digests {published}, {entries:,} of {entries:,} entries enclosed and decided, largest "
    figure += f"|error|/(u S) {worst:.2g} at {where}, of {noise.allowed(layers, theta, X.shape[1]):.0f} allowed"
    said = {"sha256": found, "entries": entries, "worst": worst, "where": where, "bits": enclosure.bits}
    if long:
        with ProcessPoolExecutor() as pool:
            both = series.agreement(layers, theta, X, Y, pool)
        ok, figure = ok and both.ok, f"{figure}; {both.overlapping:,} of {entries:,} by power series too"
    return {"ok": ok, "figure": figure} | said


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--long", action="store_true", help="enclose every entry by its power series too")
    return parser.parse_args(argv)


def main(argv=None):
    """Exit 0 if the digests are the published ones and every entry is within one unit of rounding."""
    chosen = options(argv)
    said = examined(chosen.long)
    lines = [f"{what:10s} sha256 {digest}" for what, digest in said["sha256"].items()]
    print(json.dumps(said) if chosen.json else "\n".join([*lines, said["figure"]]))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
