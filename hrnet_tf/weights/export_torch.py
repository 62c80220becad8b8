"""Gives the weights of our models in the form of the official PyTorch checkpoints."""

import keras
import numpy as np

from hrnet_tf.weights import detectors
from hrnet_tf.weights.kinds import kind_of
from hrnet_tf.weights.names import official_name

# The axes of our kernels in PyTorch's order, by their number.
TORCH_AXES = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,), 0: ()}


def export_torch_state_dict(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns a model's weights as the official PyTorch code names and shapes them.

    The inverse of `load_torch_weights`, exact to the bit. PyTorch's step counters are
    left out; `load_state_dict` does without them. Detectors get the names, the order of
    classes and the shapes of the code of their `convention`: those of mmdetection 2 and
    3, or of HRNet-Object-Detection and HRNet-FCOS. Write the result with
    `safetensors.numpy.save_file`, or turn its arrays into tensors with
    `torch.from_numpy`.

    Args:
        model: `keras.Model` of this package, such as `HRNetPose`.
    Returns:
        dict of str to float32 `np.ndarray`, in the order of `model.weights`.
    Raises:
        ValueError: if a variable has no official name.
    """
    tensors = official_tensors(model)
    kind = kind_of(model)
    if kind == "lite_pose":
        # The official code is a part of OpenMMLab's, which keeps bodies apart.
        return {
            f"{'keypoint_head' if n.startswith('final_layer') else 'backbone'}.{n}": t
            for n, t in tensors.items()
        }
    if kind in detectors.KINDS:
        return detectors.to_file(tensors, kind, model.arguments)
    return tensors


def official_tensors(model: keras.Model) -> dict[str, np.ndarray]:
    """As `export_torch_state_dict`; of detectors as the rest of this folder has them.

    Args:
        model: `keras.Model` of this package.
    Returns:
        dict of str to float32 `np.ndarray`.
    Raises:
        ValueError: if a variable has no official name.
    """
    kind = kind_of(model)
    names = {
        variable.path: official_name(variable.path, kind) for variable in model.weights
    }
    unknown = [path for path, name in names.items() if name is None]
    if unknown:
        raise ValueError(
            f"The official code has no names for {len(unknown)} of the {len(names)}"
            f" variables of {model.name}: {unknown[:3]}. Expected a model of this"
            " package without added layers, such as HRNetPose."
        )
    tensors = {}
    for variable in model.weights:
        array = keras.ops.convert_to_numpy(variable).astype(np.float32)
        array = np.transpose(array, TORCH_AXES[array.ndim])
        tensors[str(names[variable.path])] = np.array(array, order="C")
    return tensors
