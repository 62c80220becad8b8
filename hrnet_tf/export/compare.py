"""How far an exported file is from the model that it was made of."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.export.pictures import drawn_pictures
from hrnet_tf.tasks.exported import pixel_signature

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Inference
    from hrnet_tf.tasks.exported import Exported


@dataclasses.dataclass(frozen=True)
class Difference:
    """What an output of a file differs by.

    Attributes:
        name: str, of the output.
        worst: float. The largest difference; of classes the share that is another.
        largest: float. The model's largest value; of classes 1.
    """

    name: str
    worst: float
    largest: float

    def __str__(self) -> str:
        if self.name in _CLASSES:
            return f"{self.name}: {self.worst:.2%} another class"
        return f"{self.name}: {self.worst:.2g} (largest value {self.largest:.2g})"


# Outputs that are numbers of classes.
_CLASSES = ("labels", "top_labels", "classes")


def differences(
    inference: "Inference",
    exported: "Exported",
    pictures: Sequence[np.ndarray] | None = None,
) -> list[Difference]:
    """Runs pictures through a model and its file.

    Args:
        inference: `Inference` of the model.
        exported: `Exported`, the file.
        pictures: sequence of uint8 arrays `[H, W, 3]` of the size that the signature
            takes; None draws some.
    Returns:
        list of `Difference`, one for each output of the file.
    """
    import tensorflow as tf

    name = pixel_signature(exported.signatures)
    run, again = inference.signatures[name], exported.signature(name)
    if pictures is None:
        (taken,) = again.inputs.values()
        pictures = drawn_pictures(taken.shape[1:3])
    worst: dict[str, float] = {}
    largest: dict[str, float] = {}
    for picture in pictures:
        expected = run(tf.constant(picture[None]))
        for key, found in again(images=picture[None]).items():
            if found.dtype == object:
                # Names of what is compared by its number.
                continue
            wanted = np.asarray(expected[key])
            if key in _CLASSES:
                apart, most = float(np.mean(found != wanted)) / len(pictures), 1.0
                worst[key] = worst.get(key, 0.0) + apart
            else:
                apart = float(np.abs(found - wanted.astype(np.float64)).max(initial=0))
                most = float(np.abs(wanted).max(initial=0))
                # Not a number is worse than any.
                worst[key] = float(np.fmax(worst.get(key, 0.0), apart))
                worst[key] = apart if np.isnan(apart) else worst[key]
            largest[key] = max(largest.get(key, 0.0), most)
    return [Difference(key, worst[key], largest[key]) for key in sorted(worst)]
