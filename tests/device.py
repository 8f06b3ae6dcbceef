"""python -m tests.device: the checks of kernels where a GPU is, at most four minutes; never needed to pass the suite.

PyTorch's own backward passes at drawn shapes, planted mistakes, Triton kernels right and wrong, all 16.8 million
entries of a 4096 × 4096 RMS norm in bfloat16, a jax.custom_vjp and CuPy where they are. Prints one table, and writes a
dated JSON into benchmarks/results, or into --out.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np

import nnref
from tests import kernels
from tests.support import torch_kernels

LIMIT = 220.0
"""Seconds after which no further part begins."""


def main():
    """Exit 0 if all is as it should be, 1 if not, 2 where there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script")
    parser.add_argument("--shapes", type=int, default=120)
    parser.add_argument("--out", type=Path, default=kernels.RESULTS, help="folder of the dated result")
    arguments = parser.parse_args()
    if not importlib.util.find_spec("torch"):
        print(f"PyTorch is not installed here: {sys.executable} -m pip install torch")
        return 2
    import torch

    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("PyTorch sees no GPU here; try --device cpu for what needs none.")
        return 2
    torch_kernels.DEVICE = arguments.device
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    began, parts = time.monotonic(), {}
    for name, part in PARTS.items():
        if time.monotonic() - began > LIMIT:
            parts[name] = {"left out": "no time was left"}
            continue
        start = time.monotonic()
        try:
            parts[name] = part(torch, arguments)
        except Exception as error:  # of another machine's library: told, and the others are tried
            parts[name] = {"error": f"{type(error).__name__}: {error}"}
        parts[name]["seconds"] = round(time.monotonic() - start, 1)
        show(name, parts[name])
    return written(torch, arguments, parts, time.monotonic() - began)


def drawn(torch, rng, dtype, *shapes):
    """Tensors on the device."""
    tensor = torch_kernels.drawer(torch)
    return tuple(tensor(rng, dtype, *shape) for shape in shapes)


def right(torch, arguments):
    """PyTorch's own backward passes."""
    rows = kernels.right(arguments.shapes, 2)
    return {"right": rows, "ok": not sum(row["wrong"] + row["cannot tell"] for row in rows.values())}


def planted(torch, arguments):
    """Planted mistakes, in every dtype."""
    found = kernels.mistakes(0)
    counts = {dtype: dict(Counter(outcomes.values())) for dtype, outcomes in found.items()}
    return {"planted": found, "counts": counts, "ok": not any("passed" in of for of in counts.values())}


def in_triton(torch, arguments):
    """Softmax and RMS norm in Triton."""
    if arguments.device != "cuda" or not importlib.util.find_spec("triton"):
        return {"left out": "there is no Triton here", "ok": True}
    from tests.support import triton_kernels as tk

    rows, rng = {}, np.random.default_rng(0)
    for dtype in kernels.DTYPES:
        x, w = drawn(torch, rng, dtype, (64, 100), (100,))
        odd = {"shapes": "odd"}
        for name, f, given, options, words in (
            ("softmax", tk.softmax(), (x,), odd, None),
            ("softmax, a tail of 4 left out", tk.softmax(4), (x,), {}, "columns 96..99"),
            ("RMS norm", tk.rms_norm(), (x, w), odd, None),
            ("RMS norm, weight twice in the sum", tk.rms_norm(2), (x, w), {}, "twice in the mean"),
            (
                "RMS norm that takes all memory as rows",
                tk.rms_norm(strided=False),
                (x, w),
                odd,
                "not contiguous|expanded",
            ),
        ):
            report = nnref.check_vjp(f, given, **options)
            text = kernels.said(report)
            as_it_should = (
                report.ok if words is None else report.wrong and any(word in text for word in words.split("|"))
            )
            shares = {key: round(share, 3) for key, share in getattr(report, "shares", {}).items()}
            rows[f"{name}, {dtype}"] = {"ok": bool(as_it_should), "said": text or report.method, "shares": shares}
    return {"triton": rows, "ok": all(row["ok"] for row in rows.values())}


def at_full_size(torch, arguments):
    """Every entry of a 4096 × 4096 RMS norm in bfloat16."""
    n = 4096 if arguments.device == "cuda" else 256
    x, w = drawn(torch, np.random.default_rng(0), "bfloat16", (n, n), (n,))
    rms = lambda x, w: torch.nn.functional.rms_norm(x, w.shape, w, 1e-6)  # noqa: E731
    nnref.check_vjp(rms, (x[:8], w), reference="rms_norm")  # what is loaded when it is first used
    began = time.monotonic()
    report = nnref.check_vjp(rms, (x, w), reference="rms_norm")
    entries = sum(entry.checked for entry in report.entries)
    return {
        "ok": report.ok,
        "entries": entries,
        "check seconds": round(time.monotonic() - began, 2),
        "shares": report.shares,
    }


def in_jax(torch, arguments):
    """A jax.custom_vjp, right and wrong."""
    if not importlib.util.find_spec("jax"):
        return {"left out": "there is no JAX here", "ok": True}
    import jax

    def made(sign):
        @jax.custom_vjp
        def softplus(z):
            return jax.numpy.logaddexp(z, 0)

        softplus.defvjp(lambda z: (softplus(z), z), lambda z, d: (d * jax.nn.sigmoid(sign * z),))
        return softplus

    z = jax.numpy.asarray(np.random.default_rng(0).standard_normal((64, 100)), "float32")
    good, bad = nnref.check_vjp(made(1), (z,)), nnref.check_vjp(made(-1), (z,))
    return {
        "where": str(next(iter(z.devices()))),
        "ok": good.ok and bool(bad.wrong),
        "shares": good.shares,
        "said": kernels.said(bad),
    }


def in_cupy(torch, arguments):
    """CuPy with a vjp of its own."""
    if arguments.device != "cuda" or not importlib.util.find_spec("cupy"):
        return {"left out": "there is no CuPy here", "ok": True}
    import cupy as cp

    z = cp.asarray(np.random.default_rng(0).standard_normal((64, 100)).astype("float32"))
    P = lambda x: (e := cp.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)  # noqa: E731
    good = nnref.check_vjp(P, lambda y, dY: y * (dY - (y * dY).sum(-1, keepdims=True)), (z,), reference="softmax")
    bad = nnref.check_vjp(P, lambda y, dY: y * dY, (z,), reference="softmax")
    return {"ok": good.ok and bool(bad.wrong), "shares": good.shares, "said": kernels.said(bad)}


PARTS = {
    "4096 × 4096": at_full_size,
    "Triton": in_triton,
    "JAX": in_jax,
    "CuPy": in_cupy,
    "planted": planted,
    "right": right,
}


def show(name, part):
    """The lines of one part."""
    print(f"{name}: {'ok' if part.get('ok') else 'NOT OK'}, {part['seconds']} s", flush=True)
    for key, value in part.items():
        if key in ("right", "triton"):
            for row, figures in value.items():
                print(f"  {row:44s} {figures}")
        elif key not in ("ok", "seconds", "planted"):
            print(f"  {key}: {value}")


def written(torch, arguments, parts, seconds):
    """The dated result, and the exit status."""
    ok = all(part.get("ok") for part in parts.values())
    result = {
        "made": date.today().isoformat(),
        "device": torch_kernels.described(torch),
        "torch": torch.__version__,
        "seconds": round(seconds, 1),
        "ok": ok,
        "parts": parts,
        "examples": kernels.printed("docs/listings/kernel_triton.py"),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{result['made']}-kernels-{arguments.device}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    verdict = "all as it should be" if ok else "NOT all as it should be"
    print(f"{verdict} on {result['device']}, {seconds:.0f} s; written: {path}")
    return int(not ok)


if __name__ == "__main__":
    sys.exit(main())
