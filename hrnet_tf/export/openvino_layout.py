"""Graphs from TensorFlow as OpenVINO computes them fastest: with the channels first."""

from typing import Any

import numpy as np

from hrnet_tf.extras import import_extra

_CHANNELS_LAST, _CHANNELS_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
_RESULTS = {"TopK": "Squeeze", "Softmax": "ReduceMax"}


def channels_first(model: Any) -> None:
    """Takes out of a graph what is there because TensorFlow has the channels last.

    The conversion turns what lies around convolutions, but not what resizes: each of
    the fusions' enlargements, and a segmenter's scores at the picture's size, would be
    turned before, and back. And it leaves the borders that several convolutions share
    as an operation of their own. What is of another form stays as it is.

    Args:
        model: `openvino.Model`, changed in place; its results stay the same.
    """
    operations = import_extra("openvino.opset13", "The format openvino")
    for operation in model.get_ops():
        if operation.get_type_name() == "Interpolate":
            _turn(operation, operations)
        elif operation.get_type_name() == "Pad":
            _pad_in_convolutions(operation, operations)
    model.validate_nodes_and_infer_types()


def _turn(resize, operations):
    """Lets an operation resize `[B, C, H, W]`, where what reads it can do with that."""
    axes = resize.input(resize.get_input_size() - 1)
    turned = resize.input_value(0).get_node()
    if not _is_transpose(turned, _CHANNELS_LAST) or _constant(
        axes.get_source_output()
    ) != [1, 2]:
        return
    back = _users(resize.output(0))
    chains = [(user, _only_user(user)) for user in _users(_scores(resize))]
    turns_back = all(_is_transpose(user, _CHANNELS_FIRST) for user in back)
    if not turns_back and not all(_is_choice(*chain) for chain in chains):
        return

    def integers(*values):
        return operations.constant(np.array(values, np.int64)).output(0)

    resize.input(0).replace_source_output(turned.input_value(0))
    axes.replace_source_output(integers(2, 3))
    if turns_back:
        for user in back:
            _replace(user, resize)
        return
    for choice, last in chains:
        choice.set_attribute("axis", 1)
        last.input(1).replace_source_output(integers(1))


def _pad_in_convolutions(pad, operations):
    """Lets convolutions that alone read a border of zeros add it themselves."""
    makers = {
        "Convolution": operations.convolution,
        "GroupConvolution": operations.group_convolution,
    }
    begin, end = (_constant(pad.input_value(i)) for i in (1, 2))
    value = _constant(pad.input_value(3)) if pad.get_input_size() > 3 else [0]
    inputs = list(pad.output(0).get_target_inputs())
    if (
        pad.get_attributes()["pad_mode"] != "constant"
        or value != [0]
        or None in (begin, end)
        or len(begin) != 4
        or min(begin + end) < 0
        or any(begin[:2] + end[:2])
        or not all(_pads_itself(one, makers) for one in inputs)
    ):
        return
    for one in inputs:
        node = one.get_node()
        had = node.get_attributes()
        sides = {
            key: [a + b for a, b in zip(had[key], added[2:], strict=True)]
            for key, added in (("pads_begin", begin), ("pads_end", end))
        }
        made = makers[node.get_type_name()](
            pad.input_value(0),
            node.input_value(1),
            list(had["strides"]),
            sides["pads_begin"],
            sides["pads_end"],
            list(had["dilations"]),
            "explicit",
        )
        made.set_friendly_name(node.get_friendly_name())
        _replace(node, made)


def _pads_itself(taken, makers):
    """Whether an input is of a convolution's pictures, with borders that are told."""
    node = taken.get_node()
    return (
        node.get_type_name() in makers
        and taken.get_index() == 0
        and node.get_attributes()["auto_pad"] in ("explicit", "valid")
    )


def _scores(resize):
    """What choices read: the resized scores, of some of the batch's pictures."""
    users = _users(resize.output(0))
    while len(users) == 1 and users[0].get_type_name() == "StridedSlice":
        begin = _constant(users[0].input_value(1))
        if begin is None or len(begin) > 1:
            break
        resize = users[0]
        users = _users(resize.output(0))
    return resize.output(0)


def _is_choice(operation, last):
    """Whether an operation chooses over the last axis, which the next takes away."""
    return (
        last is not None
        and _RESULTS.get(operation.get_type_name()) == last.get_type_name()
        and operation.get_attributes()["axis"] in (-1, 3)
        and _constant(last.input_value(1)) in ([-1], [3])
        and not last.get_attributes().get("keep_dims", False)
    )


def _is_transpose(operation, order):
    return (
        operation.get_type_name() == "Transpose"
        and _constant(operation.input_value(1)) == order
    )


def _replace(operation, other):
    """Lets all that read an operation's result read another one's."""
    for reader in list(operation.output(0).get_target_inputs()):
        reader.replace_source_output(other.output(0))


def _only_user(operation):
    """The operation that alone reads what another gives; None if there are several."""
    users = [user for output in operation.outputs() for user in _users(output)]
    return users[0] if len(users) == 1 else None


def _users(output):
    return [one.get_node() for one in output.get_target_inputs()]


def _constant(output):
    """The values of a constant as a list; None if it is none."""
    node = output.get_node()
    if node.get_type_name() != "Constant":
        return None
    return node.get_data().ravel().tolist()
