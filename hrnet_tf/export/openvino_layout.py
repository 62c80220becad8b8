"""Labels of pictures as OpenVINO computes them fastest: with the channels first."""

from typing import Any

import numpy as np

from hrnet_tf.extras import import_extra

_CHANNELS_LAST = [0, 2, 3, 1]
_RESULTS = {"TopK": "Squeeze", "Softmax": "ReduceMax"}


def label_channels_first(model: Any) -> None:
    """Lets a segmenter resize its scores, and choose from them, with channels first.

    Graphs that come from TensorFlow have them last. The conversion turns what lies
    around convolutions, but not the scores behind the last one: at the picture's size
    turning them takes as long as choosing. Other graphs stay as they are.

    Args:
        model: `openvino.Model`, changed in place; its results stay the same.
    """
    for resize in model.get_ops():
        if resize.get_type_name() == "Interpolate":
            _turn(resize)
    model.validate_nodes_and_infer_types()


def _turn(resize):
    """Turns a resizing of `[B, H, W, C]` and the choices behind it, if that is all."""
    axes = resize.input(resize.get_input_size() - 1)
    turned = resize.input_value(0).get_node()
    chains = [(user, _only_user(user)) for user in _users(_scores(resize))]
    if (
        turned.get_type_name() != "Transpose"
        or _constant(turned.input_value(1)) != _CHANNELS_LAST
        or _constant(axes.get_source_output()) != [1, 2]
        or not all(_is_choice(*chain) for chain in chains)
    ):
        return
    operations = import_extra("openvino.opset13", "The format openvino")

    def integers(*values):
        return operations.constant(np.array(values, np.int64)).output(0)

    resize.input(0).replace_source_output(turned.input_value(0))
    axes.replace_source_output(integers(2, 3))
    for choice, last in chains:
        choice.set_attribute("axis", 1)
        last.input(1).replace_source_output(integers(1))


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
