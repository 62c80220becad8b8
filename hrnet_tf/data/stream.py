"""The only place that orders, batches, prefetches and resumes examples.

The order and every random draw of epoch e depend on (seed, e) alone, so a resumed run
sees what an undisturbed one would have.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data import files, order, service
from hrnet_tf.typing import Tensor

# Examples held for shuffling when reading records; their files are shuffled too.
SHUFFLE_BUFFER = 4096


@dataclasses.dataclass(frozen=True)
class Stream:
    """Examples of one kind, in files or in records, as dicts of tensors.

    Attributes:
        count: int. Number of examples.
        noun: str. What an example is called, in the plural.
        in_order: `() -> tf.data.Dataset` of all examples, in the source's order.
        shuffled: `(seed, epoch) -> tf.data.Dataset` of all of them; the epoch is a
            scalar int64 tensor.
        names: `(seed, epoch, first, count) -> list of str`, the image files of the
            examples at these places of an epoch; of records, what the files were
            called. Empty where they have no names.
        paths: tuple of str, the files that are read; None where images are in records.
    """

    count: int
    noun: str
    in_order: Callable
    shuffled: Callable
    names: Callable
    paths: tuple | None = None

    def steps_per_epoch(self, batch_size: int) -> int:
        """Returns the number of whole batches; ValueError if there is none."""
        if self.count < batch_size:
            raise ValueError(
                f"The data set holds {self.count} {self.noun}, fewer than a batch."
                f" Received: batch_size={batch_size}. Pass a batch size up to"
                f" {self.count}."
            )
        return self.count // batch_size

    def batches(
        self,
        make: Callable[..., Any],
        batch_size: int,
        seed: int = 0,
        first_epoch: int = 0,
        epochs: int | None = None,
        first_step: int = 0,
        plan: Callable[..., Any] | None = None,
        block: int = 64,
        finish: Callable[..., Any] | None = None,
        join: Callable[[tf.data.Dataset, int], tf.data.Dataset] | None = None,
    ) -> tf.data.Dataset:
        """Makes the batches of training.

        Args:
            make: `(example, draw, read) -> tensors` of one example. The draw is an
                int64 tensor `[2]` for stateless random functions, `read` a function
                from a path to a file's bytes.
            batch_size: int. Every batch is whole: an epoch's remainder is dropped.
            seed: int.
            first_epoch, first_step: int. Where a resumed run goes on.
            epochs: int or None. Where the data end; None means never.
            plan: `(examples of a block, draw) -> dict of tensors` with a row for each
                example, or None; `make` gets its rows, and the draw None. Small
                operations cost as much on many examples as on one.
            block: int. Examples that are planned at once.
            finish: `(number of the batch, *tensors) -> tensors` of a batch, or None.
            join: `(examples, batch_size) -> whole batches`, where they differ in size;
                None where they are alike.
        Returns:
            A `tf.data.Dataset`, `steps_per_epoch` batches an epoch.
        Raises:
            ValueError: if there are fewer examples than a batch.
        """
        steps = self.steps_per_epoch(batch_size)
        read = files.reader(self.paths)

        def draw(epoch, number):
            return tf.stack([seed * 10_007 + epoch, number])

        def of_epoch(epoch):
            examples = self.shuffled(seed, epoch).take(steps * batch_size)
            seen = order.num_seen(epoch, batch_size, first_epoch, first_step)
            if plan is None:
                return (
                    examples.enumerate()
                    .skip(seen)
                    .map(lambda number, example: (example, draw(epoch, number)))
                )
            blocks = examples.batch(block).enumerate().skip(seen // block)
            planned = blocks.map(lambda number, part: plan(part, draw(epoch, number)))
            return planned.unbatch().skip(seen % block)

        def make_one(example, drawn=None):
            return make(example, drawn, read)

        last = np.iinfo(np.int64).max if epochs is None else epochs
        examples = tf.data.Dataset.range(first_epoch, last).flat_map(of_epoch)
        made = service.map_examples(examples, make_one)
        if join is None:
            made = made.batch(batch_size, drop_remainder=True)
        else:
            made = join(made, batch_size)
        if finish is not None:
            first = first_epoch * steps + first_step
            made = made.enumerate(first).map(
                lambda number, batch: finish(number, *batch), num_parallel_calls=1
            )
        return made.prefetch(tf.data.AUTOTUNE)

    def batch_files(
        self, batch_size: int, seed: int, epoch: int, step: int
    ) -> list[str]:
        """Returns the image files (list of str) of a batch of training.

        Args:
            batch_size: int.
            seed: int.
            epoch, step: int, 0-based.
        """
        return self.names(seed, epoch, step * batch_size, batch_size)


def from_table(
    columns: dict[str, Any],
    noun: str,
    names: Sequence[str] | np.ndarray,
    paths: Iterable[str] | None = None,
) -> Stream:
    """Makes the `Stream` of examples in memory, whose images are in files.

    Args:
        columns: dict of name to array or tensor, with a row for each example.
        noun: str, see `Stream`.
        names: array of str, the image file of each example.
        paths: iterable of str, all files that are read; None means `names`.
    """
    columns = {name: tf.constant(column) for name, column in columns.items()}
    count = len(names)

    def shuffled(seed, epoch):
        return order.permutation(count, seed, epoch).map(
            lambda i: {name: column[i] for name, column in columns.items()}
        )

    def chosen(seed, epoch, first, number):
        epoch = tf.constant(epoch, tf.int64)
        positions = order.permutation(count, seed, epoch).skip(first).take(number)
        return [str(names[int(position)]) for position in positions]

    return Stream(
        count=count,
        noun=noun,
        in_order=lambda: tf.data.Dataset.from_tensor_slices(columns),
        shuffled=shuffled,
        names=chosen,
        paths=tuple(names if paths is None else paths),
    )


def from_shards(
    shards: tuple[Tensor, ...],
    read: Callable[..., Any],
    expand: Callable[..., Any],
    count: int,
    noun: str,
    name: Callable[..., Any] | None = None,
    expand_first: bool = True,
) -> Stream:
    """Makes the `Stream` of examples in shards of records.

    Args:
        shards: tuple of tensors with a row for each shard.
        read: `(*row) -> tf.data.Dataset` of a shard's records.
        expand: `(tf.data.Dataset of records) -> tf.data.Dataset` of examples.
        count: int. Number of examples.
        noun: str, see `Stream`.
        name: `(example) -> scalar string tensor`, or None where they have no names.
        expand_first: bool. False shuffles records instead of examples, where each is
            one: they are smaller.
    """
    num_shards = len(shards[0])

    def shuffled(seed, epoch, just=lambda examples: examples):
        places = order.permutation(num_shards, seed, epoch)
        records = places.map(lambda i: tuple(column[i] for column in shards))
        records = records.interleave(read, cycle_length=4)
        if not expand_first:
            return just(expand(order.shuffle(records, SHUFFLE_BUFFER, seed, epoch)))
        return order.shuffle(just(expand(records)), SHUFFLE_BUFFER, seed, epoch)

    def chosen(seed, epoch, first, number):
        if name is None:
            return []
        # Shuffling is seeded in the graphs that `flat_map` traces.
        found = tf.data.Dataset.range(epoch, epoch + 1).flat_map(
            lambda e: shuffled(seed, e, lambda examples: examples.map(name))
        )
        found = found.skip(first).take(number)
        return [text.decode() for text in found.as_numpy_iterator()]

    return Stream(
        count=count,
        noun=noun,
        in_order=lambda: expand(
            tf.data.Dataset.from_tensor_slices(shards).flat_map(read)
        ),
        shuffled=shuffled,
        names=chosen,
    )
