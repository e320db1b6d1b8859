#!/usr/bin/env python3
"""Times PyTorch beside Neocog, in turn, on what a `neocog bench conv` or `neocog bench gemm` measures.

    python3 bench/peers/pytorch.py neocog bench conv --layer 'vgg19-*' --batch 1 --pass all --threads 1

Needs PyTorch. Prints a JSON object for each row: Neocog's keys, torch_ms, the median of PyTorch's runs, and times_torch,
how much faster Neocog was (below 1: slower). The two run in turn, three times, each for some tenths of a second. PyTorch takes and gives
tensors in the same layout as Neocog; what it rearranges for itself counts, as it does for Neocog.
"""
import json
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

TURNS, SECONDS, LEAST = 3, 0.3, 5


def neocog(*args):
    out = subprocess.run([*args, "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def pair(attributes, name, default):
    v = [int(n) for n in attributes.get(name, str(default)).split("x")]
    return v if len(v) > 1 else v * 2


def product(row, dtype):
    m, n, k = (int(v) for v in row["shape"].split("x"))
    a = torch.rand(k, m, dtype=dtype).t() if row["pass"][0] == "t" else torch.rand(m, k, dtype=dtype)
    b = torch.rand(n, k, dtype=dtype).t() if row["pass"][1] == "t" else torch.rand(k, n, dtype=dtype)
    y = torch.empty(m, n, dtype=dtype)
    return lambda: torch.mm(a, b, out=y)


def convolution(row, dtype):
    image, filters, *rest = row["shape"].split(",")
    attributes = dict(part.split("=") for part in rest)
    n, c, h, w = (int(v) for v in image.split("x"))
    k, r, s = (int(v) for v in filters.split("x"))
    stride, dilation = pair(attributes, "stride", 1), pair(attributes, "dilation", 1)
    pad, groups = pair(attributes, "pad", 0), int(attributes.get("groups", 1))
    if len(pad) == 4:
        sys.exit(f"PyTorch pads alike at either end, {row['shape']} does not")
    x, f = torch.rand(n, c, h, w, dtype=dtype), torch.rand(k, c // groups, r, s, dtype=dtype)
    if row["pass"] == "fwd":
        return lambda: F.conv2d(x, f, None, stride, pad, dilation, groups)
    dy = torch.rand_like(F.conv2d(x, f, None, stride, pad, dilation, groups))
    wanted = [row["pass"] == "dgrad", row["pass"] == "wgrad", False]
    return lambda: torch.ops.aten.convolution_backward(dy, x, f, None, stride, pad, dilation, False, [0, 0], groups, wanted)


def times(run):
    run()
    out, end = [], time.perf_counter() + SECONDS
    while len(out) < LEAST or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        out.append(1e3 * (time.perf_counter() - start))
    return out


def main():
    command = sys.argv[1:4]
    if len(command) < 3 or command[1] != "bench" or command[2] not in ("conv", "gemm"):
        sys.exit(__doc__)
    for row in neocog(*sys.argv[1:]):
        if "refused" in row:
            continue
        conv = command[2] == "conv"
        torch.set_num_threads(row["threads"])
        run = (convolution if conv else product)(row, torch.float64 if row["dtype"] == "f64" else torch.float32)
        again = [*command, "--shape", row["shape"], "--threads", str(row["threads"]), "--dtype", row["dtype"], "--isa", row["isa"]]
        again += ["--pass", row["pass"], "--algo", row["algo"]] if conv else ["--transpose", row["pass"]]
        again += ["--prepared"] if row.get("prepared") else []
        ours, theirs = [], []
        with torch.no_grad():
            for _ in range(TURNS):
                theirs += times(run)
                ours += neocog(*again)
        ours.sort(key=lambda r: r["median_ms"])
        middle, torch_ms = ours[TURNS // 2], statistics.median(theirs)
        print(json.dumps({**middle, "name": row["name"], "torch_ms": torch_ms, "times_torch": torch_ms / middle["median_ms"]}), flush=True)


if __name__ == "__main__":
    main()
