"""A training run, described by callables."""

import dataclasses
from collections.abc import Callable

# Where callers have always found it.
from hrnet_tf.training.recipe_files import load_recipe as load_recipe


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything a run needs; the callables are called inside the run.

    Attributes:
        name: str. Name of the run.
        settings: dict. The arguments that the recipe was made with, for those who read
            run.json, and whatever else tells this run from another one.
        model: `() -> keras.Model`, with fresh weights.
        train_data: `(seed, first_epoch) -> (tf.data.Dataset, steps per epoch)`. A
            third argument `first_step=0` may say how many steps of the first epoch to
            leave out; without it they are read and thrown away.
        loss: `() -> keras.losses.Loss`, or a dict of them by the outputs' names; or
            None, where the model has losses of its own (`compute_loss`).
        optimizer: `(steps per epoch) -> keras.optimizers.Optimizer`. A second argument
            `quiet=False` may say not to tell anything about it.
        evaluate: `(model, infer) -> report` with `numbers` and `main_number`.
        epochs: int.
        batch_size: int.
        pictures: `(model, infer) -> uint8 [H, W, 3]` or None. A picture for
            TensorBoard.
        evaluate_every: int. Epochs between evaluations; the last is always one.
        loss_weights: dict or None. Weights of several outputs' losses.
        find_damaged: `() -> None` that raises ValueError with the name of the first
            training file that cannot be read, if there is one; or None.
        batch_files: `(seed, epoch, step) -> list of str`, the files of a training
            batch (0-based); None where the data have no files, or no names of them.
        reference_batch_size: int or None. The batch that the learning rate is stated
            for, see `schedules.adjust_rate`.
        augmentation: data class, or anything else that `Describer` describes: how the
            examples are changed at random; or None.
        data: dict of the like: which data are trained on and what their labels mean;
            or None.
        protocol: dict of the like: how examples become what the model sees, and how it
            is tested; or None.
        check: `() -> list of Finding`, what is known to be wrong with the data before
            the first step; or None.
        fingerprint: `() -> dict` of json values that change where the examples do, for
            instance from `data.fingerprint`; or None.

    A run goes on only where all that it consists of is the same: the model, losses and
    optimizer that are made here, and what the fields say; see `Identity`.
    """

    name: str
    settings: dict
    model: Callable
    train_data: Callable
    loss: Callable
    optimizer: Callable
    evaluate: Callable
    epochs: int
    batch_size: int
    pictures: Callable | None = None
    evaluate_every: int = 1
    loss_weights: dict | None = None
    find_damaged: Callable | None = None
    batch_files: Callable | None = None
    reference_batch_size: int | None = None
    augmentation: object = None
    data: dict | None = None
    protocol: dict | None = None
    fingerprint: Callable | None = None
    check: Callable | None = None

    def is_evaluated(self, epochs_done: int) -> bool:
        """Whether the recipe is evaluated after so many epochs."""
        return epochs_done == self.epochs or epochs_done % self.evaluate_every == 0
