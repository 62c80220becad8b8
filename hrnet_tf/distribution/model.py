"""The train and test functions of our models on several replicas."""

import warnings
from collections.abc import Callable
from typing import Any

import keras

from hrnet_tf.distribution import uneven_batches
from hrnet_tf.layers import replicas
from hrnet_tf.lowlevel.stack_traces import short_stack_traces


class ReplicatedModel(keras.Model):
    """A `keras.Model` whose `fit` and `evaluate` are right under `tf.distribute`.

    On one device, and with a backend other than TensorFlow, it is a `keras.Model`. On
    several replicas or workers of a TensorFlow strategy it differs from one in this:
    losses are averaged over the examples of all replicas, however these are divided;
    the optimizer becomes a `ReplicatedOptimizer`; several steps an execution work; and
    nothing has to be built from a first batch, which Keras cannot do with several
    workers. The model must have been built within the strategy's scope. With
    `jit_compile=True` each replica's losses and gradients are compiled, and what
    follows on them, exchange, step and metrics, is not.

    Attributes:
        track_gradient_norm: bool. True, set before `compile`, adds the mean norm of all
            gradients (before any clipping) to the logs of `fit` as "gradient_norm".
    """

    track_gradient_norm = False
    # Keras has None there until they are made.
    train_function: Any
    test_function: Any

    def compile(self, optimizer: Any = "rmsprop", *args: Any, **kwargs: Any) -> None:
        if self._replicated():
            optimizer = _replicated_optimizer(optimizer)
            optimizer.loss_scaling |= (
                kwargs.pop("auto_scale_loss", True)
                and self.dtype_policy.compute_dtype == "float16"
            )
            kwargs["auto_scale_loss"] = False
        super().compile(optimizer, *args, **kwargs)
        # What XLA was found to be unable to compile.
        self._left_out: set[str] = set()
        self._gradient_norm = None
        if self.track_gradient_norm and keras.backend.backend() == "tensorflow":
            with self.distribute_strategy.scope():
                self._gradient_norm = keras.metrics.Mean(name="gradient_norm")

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras leaves out models with a `compile` of their own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _replicated(self):
        """True if several replicas, here or on other machines, train the model."""
        if keras.backend.backend() != "tensorflow":
            return False
        return self.distribute_strategy.num_replicas_in_sync > 1

    def train_step(self, *args: Any) -> dict[str, Any]:
        if keras.backend.backend() != "tensorflow":
            # On JAX the state comes before the data.
            return super().train_step(*args)
        with short_stack_traces():
            return self._train_step(*args)

    def _train_step(self, data):
        if not self._replicated() and self._gradient_norm is None:
            return super().train_step(data)
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        count, factor = self._count_and_factor(x, sample_weight)
        variables = self.trainable_weights

        def differentiate(x, y, sample_weight, factor):
            with tf.GradientTape() as tape:
                y_pred, masks, loss = self._predict_with_loss(
                    x, y, sample_weight, factor, True
                )
                scaled = self.optimizer.scale_loss(loss)
            return y_pred, masks, loss, tape.gradient(scaled, variables)

        y_pred, _, loss, gradients = self._compiled(
            differentiate, x, y, sample_weight, factor
        )
        self._track_loss(loss, count)
        self._apply(gradients, variables, count)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, *args: Any) -> dict[str, Any]:
        if keras.backend.backend() != "tensorflow":
            # On JAX the state comes before the data.
            return super().test_step(*args)
        with short_stack_traces():
            return self._test_step(*args)

    def _test_step(self, data):
        if not self._replicated():
            return super().test_step(data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        count, factor = self._count_and_factor(x, sample_weight)

        def test(x, y, sample_weight, factor):
            return self._predict_with_loss(x, y, sample_weight, factor, False)

        y_pred, _, loss = self._compiled(test, x, y, sample_weight, factor)
        self._track_loss(loss, count)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def _predict_with_loss(self, x, y, sample_weight, factor, training):
        """The predictions, their masks, and this replica's part of the loss."""
        y_pred = self(x, training=training)
        loss = self.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )
        if factor is not None:
            loss = loss * keras.ops.cast(factor, loss.dtype)
        # Attributes, which do not leave a compiled function.
        masks = [getattr(p, "_keras_mask", None) for p in keras.tree.flatten(y_pred)]
        return y_pred, masks, loss

    def _compiled(self, function, *args):
        """Calls what each replica does by itself; by XLA, if that was asked for.

        XLA can compile exchanges between replicas, and assignments of variables that
        they share, only where all of them are GPUs.
        """
        asked = self._replicated() and self.jit_compile
        if not asked or function.__name__ in self._left_out:
            return function(*args)
        import tensorflow as tf

        try:
            # Made for one trace of the step around it, of which each replica has its
            # own.
            y_pred, masks, *rest = tf.function(
                function, autograph=False, jit_compile=True
            )(*args)
        except RuntimeError as error:
            if "merge_call" not in str(error):
                raise
            self._left_out.add(function.__name__)
            warnings.warn(
                "jit_compile=True is left out: a layer or the loss exchanges values"
                " between the replicas or assigns variables that they share, as batch"
                " normalisation does in training, and XLA can compile that only where"
                " all replicas are GPUs.",
                stacklevel=2,
            )
            return function(*args)
        for prediction, mask in zip(keras.tree.flatten(y_pred), masks, strict=True):
            if mask is not None:
                prediction._keras_mask = mask
        return y_pred, masks, *rest

    def _count_and_factor(self, x, sample_weight):
        """The mean examples of a replica, and what makes its loss its part of all."""
        import tensorflow as tf

        first = keras.tree.flatten(x)[0]
        count = tf.cast(tf.shape(first)[0], "float32")
        if not self._replicated():
            return count, None
        weight = self._divisor(sample_weight)
        if weight is None:
            weight = count
        strategy = self.distribute_strategy
        weights, counts = replicas.total([weight, count])
        share = weight * strategy.num_replicas_in_sync
        factor = tf.math.divide_no_nan(share, weights)
        return counts / strategy.num_replicas_in_sync, factor

    def _divisor(self, sample_weight):
        """What the losses divide by, or None if it is the number of examples."""
        import tensorflow as tf

        losses = [x for x in keras.tree.flatten(self.loss) if x is not None]
        means = [
            getattr(loss, "reduction", None) == "mean_with_sample_weight"
            for loss in losses
        ]
        if sample_weight is None or not any(means):
            return None
        weights = keras.tree.flatten(sample_weight)
        if len(losses) > 1 or len(weights) > 1:
            raise ValueError(
                "On several replicas only a single loss can have the reduction"
                f" 'mean_with_sample_weight'. Received: {len(losses)} losses. Use"
                " 'sum_over_batch_size', and weights whose mean is 1."
            )
        return tf.reduce_sum(tf.cast(weights[0], "float32"))

    def _track_loss(self, loss, count):
        """Adds the loss of the batch of all replicas to the epoch's mean."""
        self._loss_tracker.update_state(replicas.total(loss), sample_weight=count)

    def _apply(self, gradients, variables, count):
        import tensorflow as tf

        optimizer = self.optimizer
        if self._replicated():
            gradients = optimizer.unscaled(replicas.total(list(gradients)))
        if self._gradient_norm is not None:
            # Heads have types of their own.
            present = [tf.cast(g, tf.float32) for g in gradients if g is not None]
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                # Squares of scaled gradients overflow.
                scale = optimizer.scale_loss(tf.constant(1.0))
                present = [g / tf.cast(scale, g.dtype) for g in present]
            norm = tf.linalg.global_norm(present)
            # An overflow that loss scaling leaves out is no step. Else a step weighs as
            # many examples as it has, as in the mean of the losses.
            finite = tf.math.is_finite(norm)
            self._gradient_norm.update_state(
                tf.where(finite, norm, 0.0),
                sample_weight=tf.where(finite, tf.cast(count, norm.dtype), 0.0),
            )
        if self._replicated():
            optimizer.apply_total(gradients, variables)
        else:
            optimizer.apply_gradients(zip(gradients, variables, strict=True))

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        how = {"verbose": verbose, "callbacks": callbacks, "return_dict": return_dict}
        data = {"x": x, "y": y, "batch_size": batch_size}
        data["sample_weight"] = sample_weight
        if not uneven_batches.has_devices():
            return super().evaluate(**data, steps=steps, **how, **kwargs)
        # What `fit` validates with is kept for all epochs.
        kept = getattr(self, "_eval_epoch_iterator", None)
        is_kept = kwargs.pop("_use_cached_eval_dataset", False)
        self._eval_epoch_iterator = uneven_batches.make_iterator(
            self, kept if is_kept else None, **data, steps_per_epoch=steps
        )
        try:
            return super().evaluate(**how, _use_cached_eval_dataset=True, **kwargs)
        finally:
            if not is_kept:
                self._eval_epoch_iterator = kept

    @property
    def metrics(self) -> list[Any]:
        found = super().metrics
        norm = getattr(self, "_gradient_norm", None)
        if norm is not None and all(metric is not norm for metric in found):
            found.append(norm)
        return found

    def make_train_function(self, force: bool = False) -> Callable[..., Any]:
        if self.train_function is not None and not force:
            return self.train_function
        if self._replicated():
            self.train_function = self._steps(self.train_step)
            return self.train_function
        super().make_train_function(force)
        if keras.backend.backend() == "tensorflow" and not (
            self.jit_compile or self.run_eagerly or self.steps_per_execution > 1
        ):
            self.train_function = self._one_graph(self.train_function)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[..., Any]:
        if not self._replicated():
            return super().make_test_function(force)
        if self.test_function is None or force:
            self.test_function = self._steps(self.test_step)
        return self.test_function

    def _one_graph(self, otherwise):
        """The train function of one device, for which Keras makes a graph in a graph.

        A single one takes a tenth less time to make, and less memory.
        """
        import tensorflow as tf

        @tf.function(reduce_retracing=True, autograph=False)
        def one_step(iterator):
            # Missing parts of a batch come as empty optionals.
            batch = keras.tree.map_structure(
                lambda x: None if isinstance(x, tf.experimental.Optional) else x,
                next(iterator),
            )
            return self.train_step(batch)

        def function(iterator):
            # `train_on_batch` brings a generator.
            known = isinstance(iterator, tf.data.Iterator)
            return one_step(iterator) if known else otherwise(iterator)

        return function

    def _steps(self, step):
        """Makes the function that runs `steps_per_execution` steps on all replicas."""
        import tensorflow as tf

        strategy = self.distribute_strategy
        step = tf.autograph.experimental.do_not_convert(step)
        # Read outside of the replicas, the metrics are those of all of them.
        results = tf.autograph.experimental.do_not_convert(self.get_metrics_result)

        def steps(iterator):
            done = 0
            for _ in tf.range(self.steps_per_execution):
                batch = iterator.get_next_as_optional()
                if batch.has_value():
                    strategy.run(step, args=(batch.get_value(),))
                    done += 1
            return done, results()

        def one_step(iterator):
            strategy.run(step, args=(next(iterator),))
            return results()

        if self.steps_per_execution == 1:
            # The end of the data ends the epoch as an error that Keras knows.
            return one_step if self.run_eagerly else tf.function(one_step)
        compiled = steps if self.run_eagerly else tf.function(steps)

        def function(iterator):
            done, logs = compiled(iterator)
            if not done:
                raise StopIteration
            return logs

        return function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras would average a batch over the workers to have one to build with; what
        # has to be known of it is in the data set's specification.
        if not self._replicated() or iterator is None:
            super()._maybe_symbolic_build(iterator, data_batch)
            return
        import tensorflow as tf

        def example(spec):
            spec = getattr(spec, "_value_specs", [spec])[0]
            return tf.zeros([1 if s is None else s for s in spec.shape], spec.dtype)

        specs = iterator._distributed_dataset.element_spec
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=keras.tree.map_structure(example, specs))


def _replicated_optimizer(optimizer):
    from hrnet_tf.distribution.optimizer import ReplicatedOptimizer

    optimizer = keras.optimizers.get(optimizer)
    if isinstance(optimizer, ReplicatedOptimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return ReplicatedOptimizer(
            optimizer.inner_optimizer,
            loss_scaling=True,
            initial_scale=optimizer.initial_scale,
            dynamic_growth_steps=optimizer.dynamic_growth_steps,
        )
    return ReplicatedOptimizer(optimizer)
