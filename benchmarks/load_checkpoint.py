"""Time to load a W48 pose checkpoint against PyTorch's own loading.

Both sides read a `.pth` file of the same tensors from the disk's cache into a model
that is built already: ours by `hrnet_tf.load_torch_weights`, PyTorch by `torch.load`
(weights_only) and `load_state_dict`. PyTorch runs in a process of its own; rounds
alternate, and only the ratio is to be trusted.

    python benchmarks/load_checkpoint.py [--torch-python /elsewhere/bin/python]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRESET = {"width": 48}


def torch_side(folder):
    """The peer: writes both files, then answers each line with the seconds it took."""
    import numpy as np
    import torch
    from torch_hrnet import TorchHRNet

    model = TorchHRNet(**PRESET)
    torch.save(model.state_dict(), folder / "theirs.pth")
    with np.load(folder / "ours.npz") as tensors:
        named = {name: torch.from_numpy(tensors[name]) for name in tensors.files}
    torch.save(named, folder / "ours.pth")
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        model.load_state_dict(torch.load(folder / "theirs.pth", weights_only=True))
        print(json.dumps(time.perf_counter() - started), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        torch_side(options.worker)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import numpy as np

    import hrnet_tf

    model = hrnet_tf.HRNetPose(**PRESET)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "ours.npz", **hrnet_tf.export_torch_state_dict(model))
        peer = subprocess.Popen(
            [options.torch_python, __file__, "--worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if peer.stdout.readline() != "ready\n":
            raise SystemExit("PyTorch's process ended; see its error above.")
        ours, theirs = [], []
        for _ in range(options.rounds + 1):
            started = time.perf_counter()
            hrnet_tf.load_torch_weights(model, folder / "ours.pth")
            ours.append(time.perf_counter() - started)
            print("go", file=peer.stdin, flush=True)
            theirs.append(json.loads(peer.stdout.readline()))
        peer.stdin.close()
        peer.wait()
    # The first round of each fills caches.
    ours, theirs = ours[1:], theirs[1:]
    print(f"hrnet_tf  {statistics.median(ours):.3f} s (median of {len(ours)})")
    print(f"PyTorch   {statistics.median(theirs):.3f} s")
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"hrnet_tf takes {ratio:.2f} times PyTorch's time (median of the rounds)")


if __name__ == "__main__":
    main()
