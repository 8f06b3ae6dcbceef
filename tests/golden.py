"""python -m tests.golden [--json] [--long]: the golden gradient enclosed again, its digest, and how far ours is off."""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor

import nnref
from nnref.checking import balls, golden, noise, series
from nnref.running.train import parameters_sha256


def examined(long):
    """The digest under this very BLAS, every entry's distance in units of rounding, and, if long, the second route."""
    layers, theta, X, Y = golden.network()
    G, enclosure = balls.gradient(layers, theta, X, Y)
    S = noise.scale(layers, theta, X, Y, "float64")
    multiples = balls.judge(nnref.gradients(layers, theta, X, Y), enclosure, S, "float64").values()
    entries, worst, digest = (
        sum(M.size for M in multiples),
        max(float(M.max()) for M in multiples),
        parameters_sha256(G),
    )
    ok = digest == golden.GRADIENT_SHA256 and worst <= noise.allowed(layers, theta, X.shape[1])
    figure = f"sha256 {digest[:12]}…, {entries:,} entries, |error| ≤ {worst:.2g} u S"
    said = {"sha256": digest, "entries": entries, "worst": worst, "bits": enclosure.bits}
    if long:
        with ProcessPoolExecutor() as pool:
            both = series.agreement(layers, theta, X, Y, pool)
        ok, figure = ok and both.ok, f"{figure}, {both.overlapping:,} enclosed by power series too"
    return {"ok": ok, "figure": figure} | said


def main():
    """Exit 0 if the digest is the published one and every entry is within rounding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--long", action="store_true", help="enclose every entry by its power series too")
    arguments = parser.parse_args()
    said = examined(arguments.long)
    print(json.dumps(said) if arguments.json else said["figure"])
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
