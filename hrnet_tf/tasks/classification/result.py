"""The likeliest classes of an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrnet_tf.io import write_json
from hrnet_tf.typing import PathLike


@dataclass(frozen=True, eq=False)
class Classification:
    """The likeliest classes of one image, the best first.

    Args:
        labels: int64 array `[K]`, 0-based.
        probabilities: float32 array `[K]`, in 0..1 and falling.
        names: `K` str, what the classes are called; or None.
        image_path: str or None. Where the image came from.
    Raises:
        ValueError: if the lengths differ, or a probability is not finite.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    names: tuple | None = None
    image_path: str | None = None

    def __post_init__(self):
        # The dataclass is frozen, so that nobody else does this.
        object.__setattr__(self, "labels", np.asarray(self.labels, np.int64))
        probabilities = np.asarray(self.probabilities, np.float32)
        object.__setattr__(self, "probabilities", probabilities)
        if self.names is not None:
            object.__setattr__(self, "names", tuple(map(str, self.names)))
        shapes = {self.labels.shape, probabilities.shape}
        count = len(self.labels) if self.names is None else len(self.names)
        if shapes != {(count,)} or not count:
            raise ValueError(
                "Expected as many labels, probabilities and names, at least one."
                f" Received: labels of shape {self.labels.shape}, probabilities of"
                f" shape {probabilities.shape}, names={self.names}."
            )
        if not np.isfinite(probabilities).all():
            raise ValueError(
                f"probabilities hold {probabilities.tolist()}; expected finite numbers."
                " A diverged model predicts such values."
            )

    def __len__(self):
        return len(self.labels)

    @property
    def name(self) -> str:
        """str: what the likeliest class is called, or its number."""
        return str(self.labels[0]) if self.names is None else self.names[0]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for json: probabilities to 0.00001."""
        names = [None] * len(self) if self.names is None else self.names
        rows = zip(self.labels, self.probabilities, names, strict=True)
        return {
            "image_path": self.image_path,
            "classes": [
                {"label": int(label), "name": name, "probability": round(float(p), 5)}
                for label, p, name in rows
            ],
        }

    def save(self, path: PathLike) -> None:
        """Writes `to_dict` as a json file, complete or not at all."""
        write_json(path, self.to_dict())
