"""A loss that consists of parts, each a mean over the batch of all replicas."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from hrnet_tf.distribution.model import ReplicatedModel
from hrnet_tf.layers import replicas
from hrnet_tf.losses.detection.labels import Part, Truths, read_labels
from hrnet_tf.losses.detection.sampling import draw_keys, image_seeds
from hrnet_tf.typing import Tensor

# Draws of a step: more than any model has stages.
_DRAWS = 16


class _Means:
    """Metrics out of the sight of Keras, which would save them with the weights."""

    def __init__(self, names):
        self.by_name = {name: keras.metrics.Mean(name=name) for name in names}


class LossInParts(ReplicatedModel):
    """A detector that `fit` trains with losses of its own.

    The parts of the loss are in the log, as they count in their sum. A model is
    compiled without `loss`.

    Attributes:
        sampling_seed: int. With the step it decides which boxes are learnt from, where
            these are drawn; see `image_seeds`.
    """

    sampling_seed = 0
    _means: _Means | None = None

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        if loss is not None:
            raise ValueError(
                "Detectors have losses of their own. Call `compile` with an optimizer,"
                " and without `loss`."
            )
        super().compile(optimizer, None, *args, **kwargs)
        with self.distribute_strategy.scope():
            self._means = _Means(self.loss_names())

    @property
    def metrics(self) -> list[Any]:
        means = () if self._means is None else self._means.by_name.values()
        return [*super().metrics, *means]

    def loss_names(self) -> list[str]:
        """Returns the names of the loss' parts, as in the log."""
        raise NotImplementedError

    def loss_parts(
        self,
        outputs: Mapping[str, Tensor],
        truths: Truths,
        draw: Callable[[int, Any], Tensor],
        training: bool,
    ) -> dict[str, Part]:
        """Returns the parts of the loss of a batch.

        Args:
            outputs: dict, of a call of the model.
            truths: `Truths`.
            draw: takes the number of a draw and a number of boxes, and returns keys of
                `draw_keys`.
            training: bool.
        """
        raise NotImplementedError

    def read_truths(self, y: Any) -> Truths:
        """Returns the `Truths` of a batch's labels.

        Args:
            y: dict, see `read_labels`.
        """
        return read_labels(y)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Returns the sum of the parts of the loss, and notes them for the log.

        Args:
            x: images `[B, H, W, 3]`.
            y: dict of labels, see `read_labels`.
            y_pred: dict, of a call of the model.
            sample_weight: None.
            training: bool.
        Raises:
            ValueError: if the labels lack something, or there are weights.
        """
        if sample_weight is not None:
            raise ValueError(
                "Detectors take no sample weights. Received: sample_weight="
                f"{sample_weight!r}. Leave them out; `crowd` marks regions to ignore."
            )
        ops = keras.ops
        truths = self.read_truths(y)
        parts = self.loss_parts(
            y_pred, truths, self._draw_of(truths, training), training
        )
        parts = {name: parts[name] for name in self.loss_names()}
        shares, means, mean_count = replicas.weighted_means(
            ops.stack([part.total for part in parts.values()]),
            ops.stack([part.weight for part in parts.values()]),
            ops.convert_to_tensor([part.floor for part in parts.values()], "float32"),
            ops.shape(truths.boxes)[0],
        )
        scales = ops.convert_to_tensor([p.scale for p in parts.values()], "float32")
        if self._means is not None:
            for i, metric in enumerate(self._means.by_name.values()):
                metric.update_state(means[i] * scales[i], sample_weight=mean_count)
        loss = ops.sum(shares * scales)
        if self.losses:
            # Those that layers add, such as weight decay.
            loss = loss + super().compute_loss(x=x, training=training)
        return loss

    def _draw_of(self, truths, training):
        """The function that draws keys in this step."""
        optimizer = getattr(self, "optimizer", None)
        step = optimizer.iterations if training and optimizer is not None else 0

        def draw(number, count):
            base = (self.sampling_seed * _DRAWS + number, step)
            return draw_keys(image_seeds(truths.boxes, base), count)

        return draw
