"""Networks as fixed graphs: no training left, normalisations in convolutions."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


def fixed_function(
    function: Callable[..., Any],
    model: "HRNetModel",
    specs: list[tf.TensorSpec],
    constant_weights: bool = True,
) -> Callable[..., Any]:
    """Makes a fixed graph of a function that calls a model.

    The model's weights are constants in it, and batch normalisations parts of the
    convolutions.

    Args:
        function: function of tensors; it is traced with the weights as they are.
        model: `HRNetModel`.
        specs: list of `tf.TensorSpec`, of what the function takes.
        constant_weights: bool. False keeps the weights beside the graph, which
            TensorFlow copies more than ten times until it runs; for use in this
            process, with large images: kernels are brought into the processor's order
            at each call, and not once.
    Returns:
        A function of the same tensors to what the function returns.
    """
    values = [tf.convert_to_tensor(variable.value) for variable in model.variables]

    @tf.function(input_signature=specs, autograph=False)
    def trace(*given):
        weights = values
        if constant_weights:
            weights = [tf.constant(np.asarray(value)) for value in values]
        constants = zip(model.variables, weights, strict=True)
        with keras.StatelessScope(state_mapping=constants):
            return function(*given)

    traced = trace.get_concrete_function()
    outputs = [x.name for x in tf.nest.flatten(traced.outputs)]
    own = [x.name for x in traced.inputs[: len(specs)]]
    # What the graph captures are the weights, unless they are constants in it.
    weights = {
        _plain(inside.name): outside for outside, inside in traced.graph.captures
    }
    graph = fold_normalisations(traced.graph.as_graph_def(), outputs, weights)
    needed = _needed(graph, outputs)
    kept = {*needed, *map(_plain, own)}
    for place in reversed(range(len(graph.node))):
        if graph.node[place].name not in kept:
            del graph.node[place]
    used = [name for name in needed if name in weights]
    names = own + [f"{name}:0" for name in used]
    beside = [weights[name] for name in used]
    fixed = tf.compat.v1.wrap_function(
        lambda *given: tf.graph_util.import_graph_def(
            graph, dict(zip(names, given, strict=True)), outputs, name=""
        ),
        [*specs, *(tf.TensorSpec(x.shape, x.dtype) for x in beside)],
    )
    # What is wrapped would keep it.
    graph.Clear()
    structure = traced.structured_outputs
    return lambda *given: tf.nest.pack_sequence_as(structure, fixed(*given, *beside))


def fixed_detect(
    model: "HRNetModel", constant_weights: bool = True
) -> Callable[..., Any]:
    """Returns the `detect` of a detector as a fixed graph, heads of regions included.

    Args:
        model: `HRNetDetector`. Later changes of its weights are not seen.
        constant_weights: bool, see `fixed_function`.
    Returns:
        A function that takes and returns what `detect` does, all of the arguments; it
        makes one graph for each number of detections, for images of any size.
    """
    detector: Any = model
    specs = [
        tf.TensorSpec((None, None, None, 3), tf.float32, "images"),
        tf.TensorSpec((None, 2), tf.float32, "image_sizes"),
        tf.TensorSpec((), tf.float32, "score_threshold"),
    ]

    # All signatures of an export share one graph, and with it the weights.
    @functools.cache
    def finding(count):
        # What is exported asks for it while it is traced itself.
        with tf.init_scope():
            return fixed_function(
                lambda *given: detector.detect(*given, count),
                model,
                specs,
                constant_weights,
            )

    def detect(images, image_sizes, score_threshold, max_detections):
        return finding(max_detections)(
            tf.cast(images, tf.float32),
            tf.cast(image_sizes, tf.float32),
            tf.convert_to_tensor(score_threshold, tf.float32),
        )

    return detect


def fold_normalisations(
    graph: Any, outputs: list[str], weights: dict[str, Any] | None = None
) -> Any:
    """Returns a graph whose convolutions have the factors and sums behind them inside.

    What that makes superfluous stays in it, used by nothing.

    Args:
        graph: `GraphDef`.
        outputs: list of str, the names of its outputs.
        weights: dict of the names of placeholders to the tensors that they stand for,
            beside the constants of the graph; new kernels are added.
    """
    folded = tf.compat.v1.GraphDef()
    folded.CopyFrom(graph)
    _pass_by_identities(folded)
    chains = _Chains(folded, outputs, {} if weights is None else weights)
    for node in list(folded.node):
        if node.op == "Conv2D":
            _fold(node, chains, folded)
    return folded


def _pass_by_identities(graph):
    """Lets nodes read what those that only have a gradient of their own have read."""
    passing = {node.name: node.input for node in graph.node if node.op == "IdentityN"}
    for node in graph.node:
        for place, name in enumerate(node.input):
            while not name.startswith("^") and _plain(name) in passing:
                base, _, number = name.partition(":")
                name = passing[base][int(number or 0)]
            node.input[place] = name


def _fold(convolution, chains, graph):
    """Takes a factor and a sum behind a convolution into it."""
    source, bias = _past_bias(convolution, chains)
    # In half precision the normalisation computes in float32, between casts.
    is_half, widened = False, chains.only_user(source, "Cast")
    while widened is not None:
        is_half, source, widened = True, widened, chains.only_user(widened, "Cast")
    product = chains.only_user(source, "Mul")
    total = product and chains.only_user(product, "AddV2")
    last = total
    if total and is_half:
        last = chains.only_user(total, "Cast")
    kernel = chains.value(convolution.input[1], wide=True)
    if kernel is None or last is None:
        return
    factor = chains.beside(product, source)
    offset = chains.beside(total, product)
    if factor is None or offset is None:
        return
    kind = convolution.attr["T"].type
    channels = kernel.shape[-1]
    factor, offset, bias = (
        np.broadcast_to(x.ravel(), channels).astype(np.float64)
        for x in (factor, offset, bias)
    )
    added = {
        "folded_kernel": kernel.astype(np.float64) * factor,
        "folded_bias": offset + bias * factor,
    }
    for name, value in added.items():
        value = value.astype(tf.as_dtype(kind).as_numpy_dtype)
        chains.add(graph, f"{convolution.name}/{name}", value)
    convolution.input[1] = f"{convolution.name}/folded_kernel"
    # The last node keeps its name, which others read.
    total.op = "BiasAdd"
    total.attr.clear()
    total.attr["T"].type = kind
    total.attr["data_format"].s = b"NHWC"
    del total.input[:]
    total.input.extend([convolution.name, f"{convolution.name}/folded_bias"])
    if last is not total:
        last.attr["SrcT"].type = kind


def _past_bias(convolution, chains):
    """The node behind a convolution's own bias, or itself, and the bias, or zero."""
    for kind in ("AddV2", "BiasAdd"):
        total = chains.only_user(convolution, kind)
        bias = None if total is None else chains.beside(total, convolution)
        if bias is not None:
            return total, bias
    return convolution, np.zeros(1)


class _Chains:
    """What follows on what in a graph, and the values of what is constant."""

    def __init__(self, graph, outputs, weights):
        self._nodes = {node.name: node for node in graph.node}
        self._weights = weights
        self._users: dict[str, list[Any]] = {}
        # What no output is computed from counts for nothing.
        for name in _needed(graph, outputs):
            for source in map(_plain, self._nodes[name].input):
                self._users.setdefault(source, []).append(self._nodes[name])
        self._known: dict[str, Any] = {}

    def add(self, graph, name, value):
        """Adds an array to a graph, or beside it if other weights are there."""
        node = graph.node.add()
        node.name, node.op = name, "Const"
        node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
        if not self._weights:
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
            return
        node.op = "Placeholder"
        node.attr["shape"].shape.CopyFrom(tf.TensorShape(value.shape).as_proto())
        self._weights[name] = tf.constant(value)

    def only_user(self, node, kind):
        """What alone uses a node, if it is of a kind."""
        found = self._users.get(node.name, [])
        return found[0] if len(found) == 1 and found[0].op == kind else None

    def beside(self, node, source):
        """The constant that a node joins with what a source gives, or None."""
        first, second = node.input[:2]
        return self.value(second if _plain(first) == source.name else first)

    def value(self, name, wide=False):
        """An array, or None of what is not computed from constants alone.

        Args:
            name: str, an input.
            wide: bool. Whether to look behind casts.
        """
        node = self._nodes[_plain(name)]
        while wide and node.op == "Cast":
            node = self._nodes[_plain(node.input[0])]
        if node.name not in self._known:
            self._known[node.name] = self._compute(node)
        return self._known[node.name]

    def _compute(self, node):
        if node.op == "Const":
            return tf.make_ndarray(node.attr["value"].tensor)
        if node.name in self._weights:
            return np.asarray(self._weights[node.name])
        function = _OPERATIONS.get(node.op)
        if function is None:
            return None
        values = [self.value(name) for name in node.input if not name.startswith("^")]
        if any(value is None for value in values):
            return None
        return function(node, *values)


def _cast(node, x):
    return x.astype(tf.as_dtype(node.attr["DstT"].type).as_numpy_dtype)


def _squeeze(node, x):
    return np.squeeze(x, tuple(node.attr["squeeze_dims"].list.i) or None)


# What batch normalisations compute of their own weights.
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "Identity": lambda node, x: x,
    "Cast": _cast,
    "Reshape": lambda node, x, shape: x.reshape(shape),
    "Squeeze": _squeeze,
    "Rsqrt": lambda node, x: (1 / np.sqrt(x)).astype(x.dtype),
    "Neg": lambda node, x: -x,
    "Mul": lambda node, x, y: x * y,
    "Add": lambda node, x, y: x + y,
    "AddV2": lambda node, x, y: x + y,
    "Sub": lambda node, x, y: x - y,
}


def _needed(graph, outputs):
    """The names of the nodes that outputs are computed from, a dict in some order."""
    inputs = {node.name: node.input for node in graph.node}
    waiting, found = [_plain(name) for name in outputs], {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += map(_plain, inputs[name])
    return found


def _plain(name):
    """The name of the node that an input comes from."""
    return name.removeprefix("^").partition(":")[0]
