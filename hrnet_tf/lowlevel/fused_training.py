"""Convolutions and normalisations in training, with gradients that are written out.

TensorFlow derives the same gradients, but keeps more tensors for them: those on both
sides of each normalisation, padded inputs, and kernels in half precision.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.lowlevel import fused_norm
from hrnet_tf.lowlevel.half_precision import is_emulated
from hrnet_tf.lowlevel.internals import with_gradients
from hrnet_tf.lowlevel.recompute import held_back
from hrnet_tf.typing import Tensor


def can_fuse(unit: Any) -> bool:
    """Whether a `ConvNorm` can be trained by `fused`.

    It can with TensorFlow, unless it has a bias, or its normalisation is frozen, of
    float64, or taken over several replicas. A subclass may compute something else.
    """
    return (
        type(unit).call is ConvNorm.call
        and type(unit.norm).call is BatchNorm.call
        and not unit.use_bias
        and fused_norm.takes_own_statistics(unit.norm)
    )


def fused_call(
    parts: Callable[..., Any] | None, plain: Callable[..., Any]
) -> Callable[..., Any]:
    """The call of a `ConvNorm` or residual block in one, where that can be.

    Args:
        parts: function without arguments that returns the `ConvNorm`s in a row, and the
            one on the shortcut or None, and whether there is a shortcut.
        plain: the layer's own call.
    Returns:
        A function of the same arguments.
    """

    @functools.wraps(plain)
    def call(inputs, training=None):
        units, projection, residual = parts()
        all_units = [*units, *([projection] if projection else [])]
        if training and all(can_fuse(unit) for unit in all_units):
            return fused(units, inputs, projection, residual)
        return plain(inputs, training=training)

    return call


def fused(
    units: Sequence[ConvNorm],
    inputs: Tensor,
    projection: ConvNorm | None = None,
    residual: bool = False,
) -> Tensor:
    """Runs `ConvNorm`s one after another in training, as one operation to the gradient.

    Kept for the gradient are the inputs, the results of the convolutions and the
    outputs. What is between a normalisation and the next convolution is computed
    again.

    Args:
        units: list of `ConvNorm`, for each of which `can_fuse` holds.
        inputs: tensor `[B, H, W, C]`.
        projection: `ConvNorm` of the inputs that is added to the outputs, or None.
        residual: bool. True adds the inputs, or the projection, to the outputs, and
            ends with a ReLU.
    Returns:
        A tensor `[B, H', W', filters]` in the compute dtype.
    """
    import tensorflow as tf

    layers = [*units, *([] if projection is None else [projection])]

    def run(x, *weights):
        steps = [
            _Step(layer, *weights[3 * i : 3 * i + 3]) for i, layer in enumerate(layers)
        ]
        chain = steps[: len(units)]
        h = x
        for step in chain:
            h = step.forward(h)
        shortcut = steps[-1].forward(x) if projection is not None else x
        outputs = tf.nn.relu(h + shortcut) if residual else h

        def gradients(upstream):
            if residual:
                upstream = _through_relu(upstream, outputs)
            of_inputs, of_weights = _backward(
                chain, x, outputs, upstream, activated=not residual
            )
            if projection is not None:
                of_shortcut, of_projection = steps[-1].backward(upstream, x)
                of_weights += of_projection
            elif residual:
                of_shortcut = upstream
            if residual:
                of_inputs += of_shortcut
            return of_inputs, *of_weights

        return outputs, gradients

    weights = [
        # Read here, as a gradient of its own would be asked for variables.
        tf.convert_to_tensor(weight)
        for layer in layers
        for weight in (layer.conv.kernel, layer.norm.gamma, layer.norm.beta)
    ]
    return with_gradients(run, [tf.convert_to_tensor(inputs), *weights])


def _backward(chain, x, outputs, upstream, activated):
    """Gradients of a chain's inputs, and of all weights in their order.

    Args:
        activated: bool. Whether the outputs are the last step's after its activation.
    """
    inputs = [x]
    for step in chain[:-1]:
        inputs.append(step.again(after=upstream))
    results = [*inputs[1:], outputs]
    of_weights = []
    for i in range(len(chain) - 1, -1, -1):
        step = chain[i]
        if step.activated and (activated or i < len(chain) - 1):
            upstream = _through_relu(upstream, results[i])
        upstream, found = step.backward(upstream, inputs[i])
        of_weights = found + of_weights
    return upstream, of_weights


def _through_relu(upstream, outputs):
    import tensorflow as tf

    return tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)


class _Step:
    """A `ConvNorm` in one forward pass: its weights and what it keeps of the pass."""

    def __init__(self, layer, kernel, scale, offset):
        self.layer = layer
        self.kernel, self.scale, self.offset = kernel, scale, offset
        self.activated = layer.activation == "relu"
        self.dtype = layer.compute_dtype
        self.margin = layer.margin
        self.options = {
            "strides": (1, layer.strides, layer.strides, 1),
            "padding": "VALID" if layer.strides > 1 else "SAME",
        }

    def forward(self, x):
        import tensorflow as tf

        x, kernel = self._operands(x, after=x)
        y = tf.nn.conv2d(x, kernel, **self.options)
        self.convolved = tf.cast(y, self.dtype)
        normalised, self.reserves = fused_norm.fused(
            self.layer.norm, self.convolved, self.scale, self.offset
        )
        return tf.nn.relu(normalised) if self.activated else normalised

    def again(self, after):
        """The outputs once more, when the gradient has come to a tensor."""
        import tensorflow as tf

        (convolved,) = held_back([self.convolved], after=[after])
        normalised, _ = fused_norm.fused(
            self.layer.norm, convolved, self.scale, self.offset, again=True
        )
        return tf.nn.relu(normalised) if self.activated else normalised

    def backward(self, upstream, x):
        """Gradients of the inputs `x`, and of the three weights as a list."""
        import tensorflow as tf

        upstream, *of_norm = fused_norm.fused_gradients(
            self.layer.norm, upstream, self.convolved, self.scale, self.reserves
        )
        x, kernel = self._operands(x, after=upstream)
        upstream = tf.cast(upstream, kernel.dtype)
        sizes = tf.shape_n([x, kernel])
        of_inputs = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=sizes[0],
            filter=kernel,
            out_backprop=upstream,
            **self.options,
        )
        options = self.options
        # An optimizer that is done before the kernel is read would have to copy it.
        with tf.control_dependencies([of_inputs]):
            if self.layer.conv.thins():
                x = self.layer.conv.thinned(x)
                options = {**options, "strides": (1, 1, 1, 1)}
            of_kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=sizes[1],
                out_backprop=upstream,
                **options,
            )
        if self.margin:
            m = self.margin
            of_inputs = of_inputs[:, m:-m, m:-m]
        of_inputs = tf.cast(of_inputs, self.dtype)
        return of_inputs, [tf.cast(of_kernel, self.kernel.dtype), *of_norm]

    def _operands(self, x, after):
        """What is convolved, padded and in the types that the processor can take."""
        import tensorflow as tf

        kernel = self.kernel
        # Else TensorFlow would make the copies of all layers at once, and hold them.
        with tf.control_dependencies([after]):
            if kernel.dtype != self.dtype:
                kernel = tf.cast(kernel, self.dtype)
            if is_emulated(self.dtype):
                x, kernel = tf.cast(x, tf.float32), tf.cast(kernel, tf.float32)
            if self.margin:
                side = (self.margin, self.margin)
                x = tf.pad(x, ((0, 0), side, side, (0, 0)))
        return x, kernel
