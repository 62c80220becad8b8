"""An optimizer that is right on several replicas, whatever it is asked to do."""

import contextlib
from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers import replicas
from hrnet_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ReplicatedOptimizer(keras.optimizers.Optimizer):
    """Runs a Keras optimizer on several `tf.distribute` replicas.

    Keras clips the gradients of each replica before it adds them up, looks for
    overflows in them one by one, and cannot accumulate or overwrite by moving
    averages. Here the gradients are added up first, and all that happens only sometimes
    (an update after accumulation, a step without overflow) is decided once for all
    replicas. The steps are those that the inner optimizer takes on one device.

    Args:
        inner_optimizer: `keras.optimizers.Optimizer`, of any kind but
            `LossScaleOptimizer`.
        loss_scaling: bool. True multiplies the loss, for gradients in float16, and
            leaves out the steps whose gradients overflow.
        initial_scale: float. The first factor.
        dynamic_growth_steps: int. The factor is doubled after so many steps without
            overflow, and halved by each overflow.
        name: str or None.
    Attributes:
        inner_optimizer: what was given.
    Raises:
        ValueError: if `inner_optimizer` is a wrapper itself.
    """

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        loss_scaling: bool = False,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ) -> None:
        wrappers = (keras.optimizers.LossScaleOptimizer, ReplicatedOptimizer)
        if isinstance(inner_optimizer, wrappers):
            raise ValueError(
                "inner_optimizer must be a plain optimizer. Received:"
                f" {type(inner_optimizer).__name__}. Pass its inner_optimizer, and"
                " loss_scaling=True to scale losses."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.loss_scaling = loss_scaling
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps

    def build(self, variables: Sequence[Any]) -> None:
        if self.loss_scaling:
            self.step_counter = self.add_variable(
                (), "zeros", "int32", aggregation="only_first_replica"
            )
            self.dynamic_scale = self.add_variable(
                (),
                keras.initializers.Constant(self.initial_scale),
                "float32",
                aggregation="only_first_replica",
            )
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> Any:
        return self._variables + self.inner_optimizer.variables

    @property
    def learning_rate(self) -> None:
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Tensor) -> Any:
        """Returns the loss that gradients are to be computed of."""
        if not self.loss_scaling:
            return loss
        scale = self.dynamic_scale if self.built else self.initial_scale
        return loss * keras.ops.cast(scale, loss.dtype)

    def unscaled(self, gradients: Sequence[Any]) -> list[Any]:
        """Returns the gradients of the loss from those of the scaled loss."""
        if not self.loss_scaling:
            return list(gradients)
        return [
            None if g is None else g / keras.ops.cast(self.dynamic_scale, g.dtype)
            for g in gradients
        ]

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None
    ) -> None:
        """Adds up the replicas' gradients and takes a step; in a replica context."""
        totals = replicas.total(list(grads))
        self.apply_total(self.unscaled(totals), trainable_variables)

    def apply_total(
        self,
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Takes a step with gradients that were added up and unscaled before.

        Args:
            grads: list of tensors or None, the same on each replica.
            trainable_variables: list of `keras.Variable`, as given to `build`.
        """
        import tensorflow as tf

        if trainable_variables is None:
            trainable_variables = self._trainable_variables
        if not self.built:
            self.build(list(trainable_variables))
        pairs = [
            (g, v)
            for g, v in zip(grads, trainable_variables, strict=True)
            if g is not None
        ]
        grads = [g for g, _ in pairs]
        inner = self.inner_optimizer
        sums, steps = grads, inner.gradient_accumulation_steps
        if steps:
            indices = [inner._get_variable_index(v) for _, v in pairs]
            accumulators = [inner._accumulated_gradients[i] for i in indices]
            sums = [g + a for g, a in zip(grads, accumulators, strict=True)]
        means = [s / steps for s in sums] if steps else sums
        finite = tf.constant(True)
        if self.loss_scaling:
            finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in grads])
        tf.distribute.get_replica_context().merge_call(
            self._step,
            args=(sums, inner._clip_gradients(means), finite),
            kwargs={"variables": [v for _, v in pairs]},
        )

    # What follows runs once for all replicas; values of the replicas arrive together.

    def _step(self, strategy, sums, gradients, finite, variables):
        import tensorflow as tf

        if not self.loss_scaling:
            self._accumulate_or_update(strategy, sums, gradients, variables)
            return

        def good():
            self._accumulate_or_update(strategy, sums, gradients, variables)
            grow = self.step_counter + 1 >= self.dynamic_growth_steps
            scale = self.dynamic_scale
            scale.assign(tf.where(grow, scale * 2.0, scale))
            self.step_counter.assign(tf.where(grow, 0, self.step_counter + 1))

        def overflow():
            self.step_counter.assign(0)
            self.dynamic_scale.assign(self.dynamic_scale * 0.5)

        # All replicas have the same gradients.
        _cond(strategy.experimental_local_results(finite)[0], good, overflow)

    def _accumulate_or_update(self, strategy, sums, gradients, variables):
        inner = self.inner_optimizer
        steps = inner.gradient_accumulation_steps

        def update():
            self._update(strategy, gradients, variables)
            if steps:
                for variable in variables:
                    strategy.extended.update(
                        self._accumulator(variable),
                        lambda a: a.assign(keras.ops.zeros_like(a)),
                        group=False,
                    )

        def accumulate():
            for variable, value in zip(variables, sums, strict=True):
                strategy.extended.update(
                    self._accumulator(variable),
                    lambda a, new: a.assign(new),
                    args=(value,),
                    group=False,
                )

        if steps:
            _cond((inner._iterations + 1) % steps == 0, update, accumulate)
        else:
            update()
        if inner.use_ema:
            self._average(strategy, variables)
        inner._iterations.assign_add(1)

    def _accumulator(self, variable):
        inner = self.inner_optimizer
        return inner._accumulated_gradients[inner._get_variable_index(variable)].value

    def _update(self, strategy, gradients, variables):
        """Weight decay and the inner optimizer's step, variable by variable."""
        inner = self.inner_optimizer
        rate = keras.ops.convert_to_tensor(inner.learning_rate)

        def step(variable, gradient, decay, constraint):
            if decay is not None:
                factor = keras.ops.cast(decay * rate, variable.dtype)
                variable.assign_sub(variable * factor)
            inner.update_step(gradient, variable, rate)
            if constraint is not None:
                variable.assign(constraint(variable))

        sharing = getattr(inner, "sharing", contextlib.nullcontext)
        rate_factor = getattr(inner, "rate_factor", lambda variable: 1.0)
        with sharing(rate):
            for variable, gradient in zip(variables, gradients, strict=True):
                decay = None
                if inner.weight_decay and inner._use_weight_decay(variable):
                    decay = inner.weight_decay * rate_factor(variable)
                strategy.extended.update(
                    variable.value,
                    step,
                    args=(gradient,),
                    kwargs={
                        "decay": decay,
                        "constraint": variable.constraint,
                    },
                    group=False,
                )

    def _average(self, strategy, variables):
        """Moving averages of the variables, and their return into the variables."""
        inner = self.inner_optimizer
        averages = [
            inner._model_variables_moving_average[inner._get_variable_index(v)].value
            for v in variables
        ]
        started = keras.ops.cast(inner.iterations != 0, "float32")
        momentum = started * inner.ema_momentum

        def move(average, variable):
            m = keras.ops.cast(momentum, average.dtype)
            average.assign(m * average + (1 - m) * variable)

        for variable, average in zip(variables, averages, strict=True):
            strategy.extended.update(average, move, args=(variable.value,), group=False)

        def overwrite():
            for variable, average in zip(variables, averages, strict=True):
                strategy.extended.update(
                    variable.value,
                    lambda v, a: v.assign(a),
                    args=(average,),
                    group=False,
                )

        if inner.ema_overwrite_frequency:
            due = (inner.iterations + 1) % inner.ema_overwrite_frequency == 0
            _cond(due, overwrite, lambda: None)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": keras.saving.serialize_keras_object(
                self.inner_optimizer
            ),
            "loss_scaling": self.loss_scaling,
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "ReplicatedOptimizer":
        config = dict(config)
        config["inner_optimizer"] = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(**config)


def _cond(condition, if_true, if_false):
    """`tf.cond` of functions that assign and return nothing."""
    import tensorflow as tf

    def run(function):
        function()
        return tf.constant(0)

    tf.cond(condition, lambda: run(if_true), lambda: run(if_false))
