"""`hrnet presets`."""

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug

IMAGE_SIZE = (256, 192)
NUM_KEYPOINTS = 17


@common.command()
def presets(debug: Debug = False):
    """List the architectures with their sizes.

    The numbers are those of the pose network with 17 keypoints and crops of 256x192
    pixels. Papers write the multiply-adds (MACs) as "GFLOPs".

    Example:
      hrnet presets
    """
    from rich.table import Table

    from hrnet_tf.models.counting import DEFAULTS, count_macs, count_parameters
    from hrnet_tf.models.presets import ARCHITECTURES

    table = Table(
        caption="modules: of stages 2, 3 and 4. blocks: of stage 1, and of each stream"
        " of a module.",
        caption_justify="left",
    )
    table.add_column("preset", no_wrap=True)
    table.add_column("stream widths", no_wrap=True)
    table.add_column("modules")
    table.add_column("blocks")
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("GMACs", justify="right")
    for name, own in ARCHITECTURES.items():
        parts = {**DEFAULTS, **own}
        macs = count_macs(name, IMAGE_SIZE, NUM_KEYPOINTS)
        table.add_row(
            name,
            " ".join(str(parts["width"] * 2**i) for i in range(4)),
            " ".join(map(str, parts["num_modules"])),
            f"{parts['stage1_blocks']} {parts['num_blocks']}",
            f"{count_parameters(name, NUM_KEYPOINTS):,}",
            f"{macs / 1e9:.2f}",
        )
    common.console().print(table)
