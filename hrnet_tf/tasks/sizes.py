"""The table of pictures' sizes, for people who look at their data."""

import numpy as np

from hrnet_tf.own.pictures import picture_sizes
from hrnet_tf.own.reading import UserData
from hrnet_tf.tasks.base import Table


def sizes_table(data: "UserData") -> Table:
    """Returns a `Table` of the sizes of pictures in each part.

    Args:
        data: `UserData`.
    """
    rows = []
    for split in data.splits:
        sizes = picture_sizes(data.paths(split))
        if len(sizes):
            values = np.quantile(sizes, (0, 0.5, 1), axis=0).astype(int)
            rows.append((split, *(f"{height}x{width}" for height, width in values)))
    columns = ("height x width, px", "smallest sides", "median", "largest sides")
    return Table(columns, tuple(rows))
