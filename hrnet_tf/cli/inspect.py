"""`hrnet inspect`."""

from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug

# Streams halve the sides five times.
_STRIDE = 32


@common.command()
def inspect(
    image: Annotated[
        Path,
        typer.Argument(metavar="IMAGE", show_default=False, help="A JPEG or PNG file."),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="An architecture with random weights, or published weights (which are"
            " downloaded once): see `hrnet presets`.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL.keras",
            show_default=False,
            help="A saved model, instead of --preset.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="A PyTorch checkpoint (.pth, .safetensors) whose body is loaded into"
            " the preset.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE.png", help="The figure that is written.")
    ] = Path("features.png"),
    side: Annotated[
        int,
        typer.Option(
            metavar="PIXELS",
            min=_STRIDE,
            help="The image's longer side is scaled to this. A saved model of a fixed"
            " size sees that size.",
        ),
    ] = 512,
    debug: Debug = False,
) -> None:
    """Draw what the parallel streams see: their activations after each stage.

    Each row is a stream, from the finest (a quarter of the image's size) to the
    coarsest (1/32); each column is a stage. A map shows how strongly the channels of
    the stream respond at each place, on average. Random weights show edges and blobs;
    trained ones show what a task needs.

    Examples:
      hrnet inspect --preset hrnet_w18 person.jpg
      hrnet inspect --model runs/lspet/best.keras person.jpg --out streams.png
      hrnet inspect --preset hrnet_w32 --weights pose_hrnet_w32.pth person.jpg
    """
    if (preset is None) == (model is None):
        raise ValueError(
            "Pass either --preset NAME or --model MODEL.keras. Received:"
            f" {'neither' if preset is None else 'both'}."
        )
    if weights is not None and preset is None:
        raise ValueError("--weights goes with --preset, not with --model.")
    picture = _read(image)
    # No spinner: published weights are downloaded with a bar of their own.
    network, report = _load(preset, model, weights)
    size = network.input_shape[1:3]
    pixels = _resize(picture, side, None if None in size else size)
    with common.spinner("running the model"):
        from hrnet_tf.pictures.feature_maps import plot_activations, stream_activations

        activations = stream_activations(network, pixels)
        plot_activations(activations, pixels, out)
    channels = {i: x.shape[2] for (_, i), x in activations.items()}
    common.print_facts(
        {
            "model": preset or model,
            "weights": report,
            "seen as": f"{pixels.shape[0]} x {pixels.shape[1]} pixels",
            "channels": " ".join(str(channels[i]) for i in sorted(channels)),
            "figure": out,
        }
    )


def _load(preset, model, weights):
    """Returns the model and a word about its weights."""
    import hrnet_tf
    from hrnet_tf.models.presets import LITE_NETWORKS
    from hrnet_tf.weights import registry

    if model is not None:
        return hrnet_tf.load_model(model), "its own"
    if preset in LITE_NETWORKS:
        network = hrnet_tf.LiteHRNetPose.from_preset(
            preset, load_weights=False, image_size=None
        )
        if weights is None:
            return network, "random"
        hrnet_tf.load_torch_weights(network, weights, strict=False)
        return network, str(weights)
    is_published = preset in registry.names()
    name = registry.published(preset).model if is_published else "HRNetBackbone"
    network = getattr(hrnet_tf, name).from_preset(
        preset, load_weights=is_published, backbone_weights=weights
    )
    if weights is not None:
        return network, str(weights)
    return network, "published" if is_published else "random"


def _read(path):
    from hrnet_tf.pictures.sheet import to_pillow

    if not path.is_file():
        raise ValueError(f"There is no image file {path}.")
    return to_pillow(path)


def _resize(picture, side, size):
    """Returns the pixels at a size that every network takes."""
    import numpy as np

    if size is None:
        factor = side / max(picture.size)
        width, height = (
            max(_STRIDE, round(s * factor / _STRIDE) * _STRIDE) for s in picture.size
        )
    else:
        height, width = size
    return np.asarray(picture.resize((width, height)))
