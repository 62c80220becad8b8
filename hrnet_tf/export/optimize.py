"""Networks as fixed graphs: constant weights, normalisations inside of them."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


def optimized_network(
    model: "HRNetModel", compute_dtype: str = "float32"
) -> Callable[..., Any]:
    """Returns a function that runs a model in inference, with nothing left of training.

    Its variables are constants; a batch normalisation behind a convolution becomes part
    of its kernel and a bias, which TensorFlow computes together with the convolution.

    Args:
        model: `HRNetModel`. Later changes of its weights are not seen.
        compute_dtype: "float32" or "bfloat16".
    Returns:
        A function from images `[B, H, W, 3]`, uint8 or float, to the model's outputs:
        what `inference_function` returns of it. Of an `HRNetDetector` one that takes
        and returns what its `detect` does, all of the arguments.
    """
    model = with_policy(model, compute_dtype)
    if hasattr(model, "detect"):
        return _optimized_detect(model)
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, "images")
    fixed = fixed_function(lambda images: model(images, training=False), model, [spec])
    return lambda images: fixed(tf.cast(images, tf.float32))


def _optimized_detect(model):
    """As `detect` of a detector, whose heads of regions are fixed, too."""
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
                lambda *given: model.detect(*given, count), model, specs
            )

    def detect(images, image_sizes, score_threshold, max_detections):
        return finding(max_detections)(
            tf.cast(images, tf.float32),
            tf.cast(image_sizes, tf.float32),
            tf.convert_to_tensor(score_threshold, tf.float32),
        )

    return detect


def fixed_function(
    function: Callable[..., Any], model: "HRNetModel", specs: list[tf.TensorSpec]
) -> Callable[..., Any]:
    """Makes a fixed graph of a function that calls a model.

    The model's weights are constants in it, and batch normalisations parts of the
    convolutions.

    Args:
        function: function of tensors; it is traced with the weights as they are.
        model: `HRNetModel`.
        specs: list of `tf.TensorSpec`, of what the function takes.
    Returns:
        A function of the same tensors to what the function returns.
    """
    values = [np.asarray(variable) for variable in model.variables]

    @tf.function(input_signature=specs, autograph=False)
    def trace(*given):
        constants = zip(model.variables, map(tf.constant, values), strict=True)
        with keras.StatelessScope(state_mapping=constants):
            return function(*given)

    traced = trace.get_concrete_function()
    outputs = [x.name for x in tf.nest.flatten(traced.outputs)]
    graph = fold_normalisations(traced.graph.as_graph_def(), outputs)
    fixed = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph, name=""), []
    ).prune([x.name for x in traced.inputs], outputs)
    structure = traced.structured_outputs
    return lambda *given: tf.nest.pack_sequence_as(structure, fixed(*given))


def with_policy(model: "HRNetModel", compute_dtype: str) -> "HRNetModel":
    """Returns the model computing in a type, with its weights in float32."""
    name = "float32" if compute_dtype == "float32" else f"mixed_{compute_dtype}"
    policy = getattr(model, "arguments", {}).get("dtype")
    if policy is not None and policy.name == name:
        return model
    rebuilt = type(model).from_config({**model.get_config(), "dtype": name})
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def fold_normalisations(graph: Any, outputs: list[str]) -> Any:
    """Returns a graph whose convolutions have the factors and sums behind them inside.

    What that makes superfluous stays in it, used by nothing.

    Args:
        graph: `GraphDef` whose weights are constants.
        outputs: list of str, the names of its outputs.
    """
    folded = tf.compat.v1.GraphDef()
    folded.CopyFrom(graph)
    _pass_by_identities(folded)
    chains = _Chains(folded, outputs)
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
        node = graph.node.add()
        node.name, node.op = f"{convolution.name}/{name}", "Const"
        node.attr["dtype"].type = kind
        value = value.astype(tf.as_dtype(kind).as_numpy_dtype)
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
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

    def __init__(self, graph, outputs):
        self._nodes = {node.name: node for node in graph.node}
        self._users: dict[str, list[Any]] = {}
        # What no output is computed from counts for nothing.
        waiting, seen = [_plain(name) for name in outputs], set()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                for source in map(_plain, self._nodes[name].input):
                    self._users.setdefault(source, []).append(self._nodes[name])
                    waiting.append(source)
        self._known: dict[str, Any] = {}

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


def _plain(name):
    """The name of the node that an input comes from."""
    return name.removeprefix("^").partition(":")[0]
