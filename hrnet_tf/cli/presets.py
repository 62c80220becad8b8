"""`hrnet presets`."""

from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag


@common.command()
def presets(
    task: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default="all",
            help="Show the networks of one task: pose, bottom-up pose, landmarks,"
            " segmentation, detection or classification.",
        ),
    ] = None,
    weights: Annotated[
        bool,
        flag(
            "--weights",
            "List the published weights, which from_preset downloads by name, instead"
            " of the networks.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """List the architectures, the published networks and their sizes.

    Any class of HRNet takes any preset of the first table; the second one has the
    networks that the papers trained. `hrnet compare --task NAME --list` lists the other
    systems of a task, too. Papers write the multiply-adds (MACs) of convolutions and
    linear layers as "GFLOPs", and count 2**30 of them as one.

    Examples:
      hrnet presets
      hrnet presets --task segmentation
      hrnet presets --weights --task pose
    """
    from hrnet_tf.models.official import NETWORKS, TASKS

    if task is not None and task not in TASKS:
        raise ValueError(
            f"Unknown task. Received: --task {task!r}. Expected one of:"
            f" {', '.join(TASKS)}."
        )
    networks = [n for n in NETWORKS if task in (None, n.task)]
    if weights:
        _print_weights({n.model for n in networks})
        return
    if task is None:
        _print_architectures()
    _print_networks(networks)


def _table(**options):
    from rich.table import Table

    return Table(caption_justify="left", title_justify="left", **options)


def _print_architectures():
    from hrnet_tf.models.counting import DEFAULTS
    from hrnet_tf.models.presets import ARCHITECTURES

    table = _table(
        title="Architectures",
        caption="modules: of stages 2, 3 and 4. blocks: of stage 1, and of each stream"
        " of a module.",
    )
    table.add_column("preset", no_wrap=True)
    table.add_column("stream widths", no_wrap=True)
    table.add_column("modules")
    table.add_column("blocks")
    for name, own in ARCHITECTURES.items():
        parts = {**DEFAULTS, **own}
        table.add_row(
            name,
            " ".join(str(parts["width"] * 2**i) for i in range(4)),
            " ".join(map(str, parts["num_modules"])),
            f"{parts['stage1_blocks']} {parts['num_blocks']}",
        )
    common.console().print(table)


def _print_networks(networks):
    from hrnet_tf.models.counting import count_macs, count_parameters

    table = _table(
        title="Published networks",
        caption="Behind the data set: the number of keypoints or classes.",
        # So it fits into 80 columns; numbers that are cut off are wrong ones.
        show_edge=False,
        pad_edge=False,
    )
    table.add_column("class and preset", no_wrap=True)
    table.add_column("data set")
    table.add_column("input", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("GMACs", justify="right", no_wrap=True)
    previous = None
    for network in networks:
        if network.model != previous:
            if previous:
                table.add_section()
            table.add_row(f"[bold]{network.model}[/]")
            previous = network.model
        height, width = network.image_size
        macs = count_macs(
            network.model, network.preset, network.image_size, **network.head
        )
        count = count_parameters(network.model, network.preset, **network.head)
        size = next(iter(network.head.values()), "")
        table.add_row(
            f"  {network.preset}",
            f"{network.dataset} {size}".rstrip(),
            f"{height}x{width}",
            f"{count:,}",
            f"{macs / 1e9:.2f}",
        )
    common.console().print(table)


def _print_weights(models):
    from hrnet_tf.weights import registry

    table = _table(
        title="Published weights",
        caption="Use a name as the preset: HRNetPose.from_preset(NAME).",
    )
    table.add_column("name", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("what its source claims, notes and source", overflow="fold")
    for name in registry.names():
        entry = registry.published(name)
        if entry.model in models:
            text = f"{entry.metric}. {entry.notes}".rstrip()
            table.add_row(name, entry.model, f"{text}\n[dim]{entry.source}[/]")
    common.console().print(table)
