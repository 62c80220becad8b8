"""The embedded data set, for tasks that have no data of their own at hand."""

from typing import Any

from hrnet_tf.typing import PathLike, Progress

NUM_TRAIN, NUM_VAL = 1200, 120


def draw_people(folder: PathLike, progress: Progress) -> Any:
    """Draws people with keypoints and body parts, as many as the demo; once.

    Args:
        folder: str or Path, see `generate_people`.
        progress: callable `(num_done, num_total)`.
    Returns:
        The `Path` of the folder.
    Raises:
        ValueError: if the folder holds other data.
    """
    from hrnet_tf.data.synthetic import generate_people

    total = NUM_TRAIN + NUM_VAL
    return generate_people(
        folder, NUM_TRAIN, NUM_VAL, progress=lambda done: progress(done, total)
    )
