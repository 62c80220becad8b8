"""Data of the user's own as a recipe file names them."""

from pathlib import Path

from hrnet_tf.own.reading import UserData, read_data
from hrnet_tf.own.split import with_validation
from hrnet_tf.typing import PathLike


def load_for_recipe(
    kind: str,
    data: PathLike,
    images: PathLike | None = None,
    format: str | None = None,
    split: PathLike | None = None,
    work: PathLike | None = None,
    skip_bad: bool = False,
) -> "UserData":
    """Reads the data of a recipe.

    Args:
        kind: str, see `OwnData.reads`.
        data, images, format, work, skip_bad: see `read_data`.
        split: path of the file that divides them; None where the data tell it.
    Returns:
        `UserData` with "train" and "val".
    Raises:
        ValueError: if the file that divides the data is gone, or the data are bad.
    """
    found = read_data(data, kind, images, format, skip_bad, work=work)
    if split is not None and "val" not in found.splits and not Path(split).is_file():
        raise ValueError(
            f"There is no file {split}, which says what pictures of {data} are put"
            " aside for validation. Put it back, or give the recipe split=None and the"
            " data a val of their own."
        )
    return with_validation(found, split)[0]
