"""`hrnet serving-kit`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug

ModelsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR...",
        show_default=False,
        help="Folders of `hrnet export`, with a folder for each version, beside each"
        " other. Their names are those of the models.",
    ),
]
OutOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder for the files; made if absent.")
]
ImageOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        show_default="a drawn one",
        help="Image of the kind that will be sent, for warm-up records. Can be given"
        " several times.",
    ),
]
BatchOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Most rows that run together.")
]
WaitOption = Annotated[
    float,
    typer.Option(
        metavar="MS", min=0, help="Milliseconds that a batch waits to be filled."
    ),
]
BatchingOption = Annotated[
    bool | None,
    typer.Option(
        "--batching/--no-batching",
        show_default="where all inputs are of one size",
        help="Whether the server joins requests.",
    ),
]
CoresOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Processor cores of a server.")
]
MemoryOption = Annotated[
    str, typer.Option(metavar="SIZE", help="Memory of a server, such as 4Gi.")
]
ReplicasOption = Annotated[
    str,
    typer.Option(
        metavar="MIN-MAX", help="Fewest and most servers in Kubernetes, such as 1-4."
    ),
]
BaseOption = Annotated[
    str,
    typer.Option(metavar="IMAGE", help="Image of TensorFlow Serving to start from."),
]
ImageNameOption = Annotated[
    str,
    typer.Option(
        metavar="IMAGE", help="What the image with the models is called in Kubernetes."
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", metavar="", help="Replace a kit that is there.")
]


@common.command(interrupted="Stopped. The folder was not written.")
def serving_kit(
    models: ModelsArgument,
    out: OutOption = Path("serving"),
    image: ImageOption = None,
    max_batch_size: BatchOption = 8,
    batch_wait: WaitOption = 2.0,
    batching: BatchingOption = None,
    cores: CoresOption = 2,
    memory: MemoryOption = "4Gi",
    replicas: ReplicasOption = "1-4",
    base_image: BaseOption = "tensorflow/serving:latest",
    image_name: ImageNameOption = "hrnet-serving:1",
    overwrite: OverwriteOption = False,
    debug: Debug = False,
) -> None:
    """Write what TensorFlow Serving needs beside exported models.

    Into each model it puts warm-up records, which the server runs before it takes
    requests. The folder gets models.config, batching.config and monitoring.config, a
    compose.yaml to start the server with here, and a Dockerfile and kubernetes.yaml
    (readiness, resources, scaling) to run it elsewhere.

    Examples:
      hrnet serving-kit saved_models/coco --image photo.jpg
      hrnet serving-kit saved_models/coco saved_models/digits --out serving \\
          --replicas 2-8 --cores 4
    """
    if out.exists() and not overwrite:
        raise ValueError(
            f"{out} exists. Choose another folder, or pass --overwrite to replace it."
        )
    fewest, dash, most = replicas.partition("-")
    if not dash or not fewest.isdecimal() or not most.isdecimal():
        raise ValueError(f"Expected --replicas MIN-MAX. Received: {replicas!r}.")
    if not 1 <= int(fewest) <= int(most):
        raise ValueError(f"--replicas {replicas}: expected 1 <= MIN <= MAX.")
    with common.spinner("loading the models"):
        from hrnet_tf.io import read_image
        from hrnet_tf.serving.kit import KitSettings, ServedModel, write_kit
        from hrnet_tf.serving.signatures import load_functions

        pixels = [read_image(path)[0] for path in image or ()]
        served = [
            ServedModel(folder.resolve().name, folder, load_functions(folder))
            for folder in models
        ]
    settings = KitSettings(
        max_batch_size=max_batch_size,
        batch_wait=batch_wait,
        batching=batching,
        cores=cores,
        memory=memory,
        replicas=(int(fewest), int(most)),
        base_image=base_image,
        image=image_name,
    )
    with common.spinner("running the models once"):
        facts = write_kit(served, out, settings, pixels)
    place = shlex.quote(str(out / "compose.yaml"))
    facts["start it"] = f"docker compose -f {place} up"
    common.print_facts(facts)
