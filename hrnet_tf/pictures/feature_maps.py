"""What the parallel streams do: their activations after each stage, as a figure."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.pictures.plots import write_figure
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


# Grey levels below and above these percentiles of a map are cut off.
_PERCENTILES = (1, 99)
_CELL_INCHES = 2.4


def stream_activations(
    model: "HRNetModel", image: np.ndarray
) -> dict[tuple[int, int], np.ndarray]:
    """Returns the activations of every stream after every stage.

    Args:
        model: `HRNetBackbone` or a model with one, such as `HRNetPose`.
        image: uint8 array `[H, W, 3]`, RGB, of a size that the model takes.
    Returns:
        A dict of (stage, stream) to float32 array `[h, w, C]`. Stages count from 1,
        streams from 0, the finest.
    Raises:
        ValueError: if the model has no HRNet body or does not take such an image.
    """
    import keras

    backbone: Any = getattr(model, "backbone", model)
    names = _last_layers(backbone)
    if not names:
        raise ValueError(
            f"{type(model).__name__} has no HRNet body. Expected an HRNetBackbone or a"
            " model with one."
        )
    expected = backbone.input_shape[1:3]
    if any(e not in (None, s) for e, s in zip(expected, image.shape[:2], strict=True)):
        raise ValueError(
            f"The model takes images of {expected} pixels (height, width). Received:"
            f" an image of {image.shape[:2]}."
        )
    outputs = {f"{stage}": backbone.get_layer(n).output for stage, n in names.items()}
    taps = keras.Model(backbone.inputs, outputs)
    found = taps.predict_on_batch(np.asarray(image, "float32")[None])
    activations = {}
    for stage, maps in found.items():
        for i, x in enumerate(maps if isinstance(maps, (list, tuple)) else [maps]):
            activations[int(stage), i] = np.asarray(x[0], "float32")
    return activations


def _last_layers(backbone):
    """Returns {stage: name of its last layer}."""
    names = {}
    for layer in getattr(backbone, "layers", ()):
        if layer.name.startswith("stage"):
            names[int(layer.name[5])] = layer.name
    return names


def plot_activations(
    activations: dict[tuple[int, int], np.ndarray], image: np.ndarray, path: PathLike
) -> None:
    """Draws the mean strength of each stream's channels, stage by stage, as a PNG.

    Args:
        activations: dict, of `stream_activations`.
        image: uint8 array `[H, W, 3]`, RGB, that they belong to.
        path: str or path of the PNG file.
    """
    # Figure instead of pyplot: no global state, no display.
    from matplotlib.figure import Figure

    stages = sorted({stage for stage, _ in activations})
    streams = 1 + max(stream for _, stream in activations)
    height, width = image.shape[:2]
    size = (_CELL_INCHES * (1 + len(stages)), _CELL_INCHES * height / width * streams)
    size = (size[0], size[1] + 0.45 * streams + 0.6)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    grid = figure.subplots(streams, 1 + len(stages), squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    grid[0, 0].imshow(image)
    grid[0, 0].set_title(f"input, {height} x {width}", fontsize=9)
    for column, stage in enumerate(stages, start=1):
        for stream in range(streams):
            if (stage, stream) not in activations:
                continue
            x = activations[stage, stream]
            strength = np.abs(x).mean(axis=-1)
            low, high = np.percentile(strength, _PERCENTILES)
            axes = grid[stream, column]
            axes.imshow(strength, cmap="magma", vmin=low, vmax=max(high, low + 1e-12))
            axes.set_title(
                f"stage {stage}, 1/{4 * 2**stream}, {x.shape[2]} channels,"
                f" {x.shape[0]} x {x.shape[1]}",
                fontsize=7,
            )
    figure.suptitle(
        "Mean strength of the channels of each stream after each stage", fontsize=11
    )
    write_figure(figure, Path(path))
