"""PyTorch's networks in the runtimes people use: the peers of benchmarks/inference.py.

Pictures come as normalised floats, channels first, so that nothing but the network,
and of segmenters the labels at the picture's size, is measured.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch_hrnet import TorchHRNet


class Segmenting(nn.Module):
    """A segmenter with its labels and how sure they are, at the picture's size."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        logits = self.network(images)
        logits = functional.interpolate(logits, images.shape[2:], mode="bilinear")
        surest, labels = functional.softmax(logits, 1).max(1)
        return labels, surest


def inference_steps(kind, task, architecture, num_outputs, image_size, batch_size, **_):
    """Makes a network in a runtime, and calls of it, see `sides.work`.

    Args:
        kind: str of `KINDS`.
        task: "pose" or "segmentation".
    """
    torch.manual_seed(0)
    network = TorchHRNet(
        **architecture, num_outputs=num_outputs, all_streams=task == "segmentation"
    ).eval()
    parameters = sum(p.numel() for p in network.parameters())
    model = Segmenting(network) if task == "segmentation" else network
    images = torch.randn(batch_size, 3, *image_size)
    with torch.inference_mode():
        call = KINDS[kind](model, images)

        def run(steps):
            with torch.inference_mode():
                for _ in range(steps):
                    found = call()
            return float(
                np.asarray(found[0] if isinstance(found, tuple) else found)[0].mean()
            )

        run(3)
    return parameters, run, lambda: None


def _eager(model, images, dtype=None):
    model = model.to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)

    def call():
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
            return _float(model(images))

    return call


def _compiled(model, images, dtype=None):
    import torch._inductor.config

    torch._inductor.config.freezing = True
    model = torch.compile(model.to(memory_format=torch.channels_last))
    images = images.to(memory_format=torch.channels_last)

    def call():
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
            return _float(model(images))

    return call


def _float(found):
    if isinstance(found, tuple):
        return tuple(x.float() if x.is_floating_point() else x for x in found)
    return found.float()


def _openvino(model, images, precision=None):
    import openvino

    converted = openvino.convert_model(model, example_input=images)
    converted.reshape({converted.inputs[0]: list(images.shape)})
    if precision == "int8":
        converted = _in_int8(converted, images)
    settings = {"PERFORMANCE_HINT": "LATENCY"}
    if precision == "float32":
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    request, given = compiled.create_infer_request(), images.numpy()
    return lambda: request.infer([given])[compiled.outputs[0]]


def _in_int8(model, images):
    import nncf

    draw = np.random.default_rng(0)
    pictures = [draw.normal(size=images.shape).astype("float32") for _ in range(16)]
    return nncf.quantize(
        model, nncf.Dataset(pictures), preset=nncf.QuantizationPreset.MIXED
    )


def _onnx_runtime(model, images):
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.onnx"))
        torch.onnx.export(model, (images,), path, input_names=["images"], dynamo=False)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {"images": images.numpy()}
    return lambda: session.run(None, given)[0]


KINDS = {
    "PyTorch float32": _eager,
    "PyTorch bfloat16": lambda *a: _eager(*a, "bfloat16"),
    "torch.compile float32": _compiled,
    "torch.compile bfloat16": lambda *a: _compiled(*a, "bfloat16"),
    "OpenVINO from PyTorch": _openvino,
    "OpenVINO from PyTorch float32": lambda *a: _openvino(*a, "float32"),
    "OpenVINO from PyTorch int8": lambda *a: _openvino(*a, "int8"),
    "ONNX Runtime float32": _onnx_runtime,
}
