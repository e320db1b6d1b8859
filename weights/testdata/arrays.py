# write DIR: files as NumPy writes them. show FILE: what NumPy reads from an .npz or .npy file, or what the text of
# the safetensors format says that a file holds, one array a line: name, elements, shape, bytes.
import json
import struct
import sys

import numpy as np


def arrays():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 7.5
    return {
        "conv1/w": x,
        "columns": np.asfortranarray(x),
        "big": x.astype(">f4"),
        "big columns": np.asfortranarray(x.astype(">f8")),
        "half": np.array([1, -2.5, 6e-8, np.inf, 65504], np.float16),
        "double": np.array([np.pi, -0.0, np.nan]),
        "scalar": np.array(3, np.float32),
        "empty": np.zeros((0, 4), np.float32),
        "flags": np.array([[True, False], [False, True]]),
        "ints": np.array([-1, 2**31 - 1], np.int32),
        "counts": np.array([-1, 2**63 - 1], np.int64),
        "größe": x[:, ::2, 1],
    }


def named(path):
    if path.endswith(".npz"):
        with np.load(path, allow_pickle=False) as f:
            return {k: f[k] for k in f.files}
    if path.endswith(".npy"):
        return {"": np.load(path, allow_pickle=False)}
    with open(path, "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(n)), f.read()
    kinds = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "BOOL": "|b1"}
    head.pop("__metadata__", None)
    return {k: np.frombuffer(data[slice(*v["data_offsets"])], kinds[v["dtype"]]).reshape(v["shape"]) for k, v in head.items()}


if sys.argv[1] == "write":
    for name, save in ("plain", np.savez), ("packed", np.savez_compressed):
        save(f"{sys.argv[2]}/{name}.npz", **arrays())
    for name, x in arrays().items():
        np.save(f"{sys.argv[2]}/{name.replace('/', '_')}.npy", x)
else:
    for name, x in sorted(named(sys.argv[2]).items()):
        print(json.dumps([name, x.dtype.str, list(x.shape), x.astype(x.dtype.newbyteorder("<")).tobytes().hex()]))
