"""Pictures as exported graphs are given them: for calibration and comparison."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.io import read_image
from hrnet_tf.tasks import make_inference, task_of
from hrnet_tf.tasks.exported import Exported, Input, Signature
from hrnet_tf.typing import PathLike, Progress
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Inference

# What is enough to know how large numbers get.
MOST = 128
FEWEST = 8
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def pictures_of(
    inference: "Inference", source: PathLike, progress: Progress | None = None
) -> list[np.ndarray]:
    """Returns what the network is given for pictures of data.

    Args:
        inference: `Inference` of a model, see `portable_inference`.
        source: path of a folder of pictures, or of data as of `hrnet train TASK
            --data`, of which people are cut out by their boxes. Of many, `MOST` that
            are spread over them are taken.
        progress: callable (done, total) or None.
    Returns:
        list of uint8 arrays `[H, W, 3]`, as the portable signature takes them.
    Raises:
        ValueError: if there are too few pictures, or the data are of another task.
    """
    known = _known(inference, Path(source))
    if len(known) > MOST:
        places = np.linspace(0, len(known) - 1, MOST).round().astype(int)
        known = [known[i] for i in places]
    taken = fed(inference, known, progress)
    if len(taken) < FEWEST:
        raise ValueError(
            f"{source} has {count_text(len(taken), 'picture', 'pictures')} for the"
            f" network; calibration needs at least {FEWEST}, and is better with"
            f" {MOST}. Pass more, of the kind that the model will see."
        )
    return taken[:MOST]


def calibration_batches(
    pictures: Iterable[np.ndarray] | None, batch_size: int | None
) -> list[dict[str, np.ndarray]]:
    """Returns pictures as an exported graph takes them, to fit whole numbers to.

    Args:
        pictures: iterable of uint8 arrays `[H, W, 3]`, as the network will see them.
        batch_size: int of a graph that takes so many at once, or None for any number.
            The last batch is filled up with the first pictures.
    Returns:
        list of dicts with "images", uint8 `[batch_size or 1, H, W, 3]`.
    Raises:
        ValueError: if there are no pictures.
    """
    taken = [] if pictures is None else list(pictures)
    if not taken:
        raise ValueError("int8 is fitted to pictures. Received: calibration=None.")
    size = batch_size or 1
    count = -(-len(taken) // size) * size
    filled = [taken[i % len(taken)] for i in range(count)]
    return [{"images": np.stack(filled[i : i + size])} for i in range(0, count, size)]


def drawn_pictures(
    size: tuple[int | None, int | None], count: int = 4
) -> list[np.ndarray]:
    """Returns drawn pictures, where there are no others, uint8 `[H, W, 3]`.

    Args:
        size: (height, width); sides of None are 256.
        count: int.
    """
    import tensorflow as tf

    from hrnet_tf.data.synthetic.scene import draw_scene

    generator = np.random.default_rng(0)
    # The painter fills no small ones.
    scenes = [draw_scene(generator, (256, 256)).image for _ in range(count)]
    resized = tf.image.resize(np.stack(scenes), [side or 256 for side in size])
    return list(tf.cast(tf.round(resized), tf.uint8).numpy())


def fed(
    inference: "Inference",
    known: list[tuple[str, dict[str, Any]]],
    progress: Progress | None = None,
) -> list[np.ndarray]:
    """Returns what the network is given when pictures are predicted.

    Args:
        inference: see `pictures_of`.
        known: list of pairs of a picture's path and what is known of it: arguments of
            the inference's `run`, such as boxes.
        progress: callable (done, total) or None.
    """
    name = inference.portable
    function = inference.signatures[name]
    (spec,) = function.input_signature
    outputs = function.get_concrete_function().structured_outputs
    taken: list[np.ndarray] = []

    def run(images):
        taken.extend(images)
        return {
            key: np.zeros((len(images), *out.shape[1:]), out.dtype.as_numpy_dtype)
            for key, out in outputs.items()
            if out.dtype.name != "string"
        }

    inputs = [Input(spec.name, tuple(spec.shape), spec.dtype.name)]
    recorder = Exported(
        Path("calibration"),
        inference.description,
        signatures={name: Signature(inputs, outputs, run)},
    )
    reading = make_inference(recorder)
    for number, (path, arguments) in enumerate(known, 1):
        image, _ = read_image(path)
        lists = {key: [value] for key, value in arguments.items()}
        reading.run([image], [path], **lists)
        if progress is not None:
            progress(number, len(known))
    return taken


def _known(inference, source):
    """Paths of pictures, and what is known of each."""
    if not source.exists():
        raise ValueError(f"There is no {source}. Check the path of the pictures.")
    if source.is_dir():
        # A folder of nothing but pictures says no more.
        files = sorted(source.iterdir())
        if files and all(path.suffix.lower() in _SUFFIXES for path in files):
            return [(str(path), {}) for path in files]
    task = task_of(Exported(source, inference.description))
    own = task.parts.own_data
    if own is None:
        raise ValueError(
            f"Pictures for {task.title} are read from a folder that holds nothing"
            f" else. Received: {source}."
        )
    from hrnet_tf.own.reading import read_data

    with warnings.catch_warnings():
        # Of labels, which are not used.
        warnings.simplefilter("ignore")
        data = read_data(source, own.reads, skip_bad=True, task=task.name)
    examples = [e for part in data.splits.values() for e in part.examples]
    return [(e.image_path, _boxes(e, inference)) for e in examples]


def _boxes(example, inference):
    if "boxes" not in inference.per_image:
        return {}
    return {"boxes": np.asarray(example.boxes)}
