"""Assigns the tensors of PyTorch checkpoints to our models."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.typing import PathLike
from hrnet_tf.weights import detectors
from hrnet_tf.weights.export_torch import TORCH_AXES
from hrnet_tf.weights.kinds import KINDS, kind_of
from hrnet_tf.weights.layouts import (
    COUNTERS,
    DETECTOR_HEADS,
    ONE_STAGE_NOTE,
    Checkpoint,
    recognise,
)
from hrnet_tf.weights.names import (
    head_kinds,
    is_head_path,
    official_name,
    variable_path,
)
from hrnet_tf.weights.prefixes import not_hrnet
from hrnet_tf.weights.recognise import architecture, find_preset, model_of
from hrnet_tf.weights.torch_checkpoint import read_checkpoint

if TYPE_CHECKING:
    import keras


# Names shown of each group in an error.
_SHOWN = 8
_LAST_FUSION = re.compile(r"stage4_module(\d+)/fusion/(?:up|down)\d+to(\d+)_.+")
# The linear layer of ImageNet's ResNets.
_RESNET_TOP = re.compile(r"fc\.(?:weight|bias)")

# Why a tensor may well be without a place in the model.
_ROWS = "rows of the last fusion, for coarse outputs that this model does not have"
_OTHER_HEAD = "the head of another task"
_TOP = "the last linear layer, which this model does not have"
_OTHER_COUNT = {
    "num_keypoints": "a head for another number of keypoints",
    "num_classes": "a head for another number of classes",
    "num_channels": "a pyramid of another number of channels",
}


@dataclass(frozen=True)
class LoadReport:
    """What `load_torch_weights` found and did.

    Attributes:
        source: str. The file, or "a mapping".
        layout: str. The kind of checkpoint that was recognised.
        num_assigned: int. Variables that received a tensor.
        unused: tuple of str. Tensors of the checkpoint without a place in the
            model (PyTorch's step counters are not listed).
        missing: tuple of str. Paths of variables left as they were.
        notes: tuple of str. What was ignored, left fresh or converted, and why.
    """

    source: str
    layout: str
    num_assigned: int
    unused: tuple = ()
    missing: tuple = ()
    notes: tuple = ()

    def __str__(self):
        lines = [
            f"{self.source}: {self.layout}",
            f"  {self.num_assigned} variables assigned,"
            f" {len(self.missing)} left as they were,"
            f" {len(self.unused)} tensors unused",
        ]
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


def load_torch_weights(
    model: "keras.Model",
    path_or_state_dict: PathLike | Mapping[str, Any],
    strict: bool = True,
) -> LoadReport:
    """Loads a PyTorch checkpoint into a model of the same architecture.

    The layout is recognised by the tensors' names: that of the official code of every
    task (and of timm, whose names are the same), and that of OpenMMLab's mmpose,
    mmsegmentation, mmdetection and mmpretrain. Parts that cannot have a place in the
    model are ignored with a note: rows of the last fusion that a network with a single
    output does not compute, the head of another task (this model's own head then
    stays as it is, as without any head), the heads of detectors, moving averages, step
    counters. A bias before a normalisation that the checkpoint's network does without
    becomes zero, which is the same. Kernels are transposed from PyTorch's
    [out, in, height, width] to [height, width, in, out], and float16, bfloat16
    and float64 become float32. Nothing is assigned unless everything fits.

    The outputs then are those of the checkpoint's network. mmsegmentation enlarges
    feature maps by whole factors and then fits their sizes: its outputs are met for
    images whose sides are divisible by 32.

    Args:
        model: `keras.Model`, such as `HRNetPose` or `HRNetBackbone`.
        path_or_state_dict: a `.pth` or `.safetensors` file, or a mapping of names
            to arrays; see `hrnet_tf.weights.torch_checkpoint.read_checkpoint`.
        strict: bool. False tolerates variables without a tensor, tensors without
            a variable, and a head for another number of keypoints or classes; such
            variables keep their values. Other wrong shapes are errors nevertheless.
    Returns:
        A `LoadReport`; print it to see what happened.
    Raises:
        ValueError: if the checkpoint cannot be read, or does not fit: all missing,
            unused, mismatched and non-finite tensors are named in one text.
    """
    checkpoint = recognise(read_checkpoint(path_or_state_dict))
    source = (
        "a mapping"
        if isinstance(path_or_state_dict, Mapping)
        else os.fspath(path_or_state_dict)
    )
    return assign_checkpoint(model, checkpoint, source, strict)


def assign_checkpoint(
    model: "keras.Model", checkpoint: Checkpoint, source: str, strict: bool = True
) -> LoadReport:
    """Loads a checkpoint that was recognised, see `load_torch_weights`.

    Args:
        model: `keras.Model`.
        checkpoint: `hrnet_tf.weights.layouts.Checkpoint`.
        source: str. What it is called in messages.
        strict: bool.
    Returns:
        A `LoadReport`.
    Raises:
        ValueError: if it does not fit.
    """
    plan = _Plan(model, checkpoint, strict)
    problems = plan.problems()
    if problems:
        raise ValueError(
            f"The checkpoint {source} ({checkpoint.layout}) does not fit the model"
            f" {model.name}; nothing was assigned.\n{problems}"
        )
    for variable, array in plan.assignments:
        variable.assign(array)
    skipped = [name for name, why in plan.ignored.items() if why != COUNTERS]
    return LoadReport(
        source=source,
        layout=checkpoint.layout,
        num_assigned=len(plan.assignments),
        unused=tuple(skipped + plan.unused),
        missing=tuple(plan.fresh + plan.missing),
        notes=tuple(plan.notes()),
    )


class _Plan:
    """Which tensor goes where, and everything that stands in the way."""

    def __init__(self, model, checkpoint, strict):
        self._kind = kind_of(model)
        if self._kind not in detectors.KINDS and checkpoint.kind in detectors.KINDS:
            checkpoint = detectors.without_heads(
                checkpoint, DETECTOR_HEADS, ONE_STAGE_NOTE
            )
        self._arguments = getattr(model, "arguments", {})
        self._variables = {variable.path: variable for variable in model.weights}
        self._checkpoint = checkpoint
        self._strict = strict
        # The last module's number and coarsest output, such as (2, 0).
        rows = map(_LAST_FUSION.fullmatch, self._variables)
        self._coarsest = max(((int(r[1]), int(r[2])) for r in rows if r), default=None)
        self.assignments = []
        self.ignored = dict(checkpoint.ignored)  # name in the file: reason
        self.unused, self.not_finite = [], []
        self.mismatched = {}  # path: name in the file
        self._converted = Counter()
        for name, tensor in checkpoint.tensors.items():
            self._place(name, tensor)
        self.fresh, self.missing, self._zeroed = [], [], []
        self._find_missing()

    def _path(self, name):
        """Returns the path that an official name has in models of this kind."""
        return variable_path(name, self._kind) or variable_path(
            f"backbone.{name}", self._kind
        )

    def _place(self, name, tensor):
        """Decides about one tensor of the checkpoint."""
        source = self._checkpoint.sources[name]
        path = self._path(name)
        variable = self._variables.get(path)
        reason = self._reason_to_ignore(name, path, tensor)
        if reason:
            self.ignored[source] = reason
        elif variable is None:
            self.unused.append(source)
        elif _torch_shape(variable) != tensor.shape or not _is_float(tensor.dtype):
            self.mismatched[path] = source
        else:
            array = np.transpose(tensor, _AXES[tensor.ndim])
            if tensor.dtype != np.float32:
                self._converted[tensor.dtype.name] += 1
            # Too large a float64 becomes infinite, which is found just below.
            with np.errstate(over="ignore"):
                array = array.astype(np.float32)
            if not np.isfinite(array).all():
                self.not_finite.append(source)
            self.assignments.append((variable, array))

    def _reason_to_ignore(self, name, path, tensor):
        """Returns why this tensor needs no place in the model, or None."""
        variable = self._variables.get(path)
        kind = KINDS[self._kind]
        if variable is None and head_kinds(name):
            return _TOP if self._kind in head_kinds(name) else _OTHER_HEAD
        if self._kind == "simple_baseline" and _RESNET_TOP.fullmatch(name):
            return _OTHER_HEAD
        if not self._strict and name.rpartition(".")[0] in kind.sized:
            is_other = tensor.shape[:1] != _torch_shape(variable)[:1]
            return _OTHER_COUNT[kind.argument] if is_other else None
        row = _LAST_FUSION.fullmatch(path or "")
        if row and self._coarsest and variable is None:
            last, coarsest = self._coarsest
            if int(row[1]) == last and int(row[2]) > coarsest:
                return _ROWS
        return None

    def _find_missing(self):
        """Finds the variables that get nothing, and those that need not."""
        assigned = {variable.path for variable, _ in self.assignments}
        given = {self._path(name): name for name in self._checkpoint.tensors}
        has_head = any(
            path in self._variables and is_head_path(path, self._kind)
            for path in filter(None, given)
        )
        for path, variable in self._variables.items():
            if path in assigned or path in self.mismatched:
                continue
            # Only convolutions before a normalisation are called so.
            if path.endswith("/conv/bias") and path[:-4] + "kernel" in assigned:
                self._zeroed.append(path)
                self.assignments.append((variable, np.zeros(variable.shape)))
            elif path in given or (is_head_path(path, self._kind) and not has_head):
                self.fresh.append(path)
            else:
                self.missing.append(path)

    def notes(self):
        """Says what was ignored, left fresh or converted."""
        notes = [
            f"{count} tensors ignored: {reason}"
            for reason, count in Counter(self.ignored.values()).items()
        ]
        if self.fresh:
            notes.append("the model's own head keeps its weights: train it")
        if self._zeroed:
            notes.append(
                f"{len(self._zeroed)} biases set to zero: the checkpoint's convolutions"
                " have none"
            )
        if self._checkpoint.prefix not in ("", "backbone.", "backbone.body."):
            notes.append(f"the network's names begin with {self._checkpoint.prefix!r}")
        if self._checkpoint.about:
            notes.append(self._checkpoint.about)
        for kind, count in self._converted.items():
            notes.append(f"{count} tensors converted from {kind} to float32")
        if self._checkpoint.kind == self._kind:
            notes += self._checkpoint.notes
            notes += [
                f"networks of this layout have {name}={value!r}, but the model has"
                f" {self._arguments[name]!r}: build it as the weights were trained"
                for name, value in self._checkpoint.trained_with.items()
                if self._arguments.get(name, value) != value
            ]
        return notes

    def problems(self):
        """Describes everything that is wrong; empty if the plan can be executed."""
        groups = {
            "Another shape or type": [
                f"{source}: {self._describe(path)}, but the model needs float32"
                f" {list(_torch_shape(self._variables[path]))}"
                for path, source in self.mismatched.items()
            ],
            "NaN or infinity": self.not_finite,
            "Two tensors for one variable": [
                f"{first} and {second}" for first, second in self._checkpoint.twice
            ],
        }
        if self._strict or not self.assignments:
            missing = [self._shown_name(path) or path for path in self.missing]
            groups["Missing, but the model needs them"] = missing
            groups["Unused, as the model has no place for them"] = self.unused
        lines = []
        for title, entries in groups.items():
            if entries:
                lines.append(f"  {title} ({len(entries)}):")
                lines += [f"    {entry}" for entry in entries[:_SHOWN]]
            if len(entries) > _SHOWN:
                lines.append(f"    ... and {len(entries) - _SHOWN} more")
        return "\n".join([*lines, self._hint()]) if lines else ""

    def _official_name(self, path):
        return official_name(path, self._kind)

    def _shown_name(self, path):
        """What the code that the weights are of calls a variable."""
        name = self._official_name(path)
        if name is None or self._kind not in detectors.KINDS:
            return name
        arguments = {**self._arguments, **self._checkpoint.trained_with}
        return detectors.file_name(name, self._kind, arguments)

    def _describe(self, path):
        name = self._official_name(path).removeprefix("backbone.")
        tensor = self._checkpoint.tensors[name]
        return f"{tensor.dtype} {list(tensor.shape)}"

    def _hint(self):
        """Says what to do about the problems."""
        theirs = self._checkpoint.architecture
        names = {path: self._official_name(path) for path in self._variables}
        ours = architecture(
            {
                name.removeprefix("backbone."): _torch_shape(self._variables[path])
                for path, name in names.items()
                if name
            }
        )
        if ours is None:
            return "The model is no HRNet of this package: no path of it is known."
        looks_like = self._checkpoint.looks_like
        if theirs is None:
            return not_hrnet(self._checkpoint)
        if theirs != ours:
            return _describe_other(theirs, ours, looks_like)
        return self._hint_for_the_same_body()

    def _hint_for_the_same_body(self):
        kind = KINDS[self._kind]
        mismatched = [self._official_name(path) for path in self.mismatched]
        count = self._checkpoint.count_outputs()
        theirs = self._checkpoint.trained_with.get("convention")
        if theirs != self._arguments.get("convention", theirs):
            return f"Build the model with convention={theirs!r}."
        if kind.sized and f"{kind.sized[0]}.weight" in mismatched and count:
            return (
                f"Build the model with {kind.argument}={count}, or pass"
                " strict=False to load everything but the head."
            )
        if self._checkpoint.twice:
            return "The file holds two networks: pass the mapping of one of them."
        if self.mismatched or self.not_finite:
            return "The file is damaged, or its network was changed or diverged."
        return "Pass strict=False to load what fits."


# The axes of PyTorch's tensors in our order: [out, in, height, width] of kernels (in
# and out swapped on both sides if transposed), [out, in] of linear layers.
_AXES = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,), 0: ()}


def _describe_other(theirs, ours, looks_like):
    """Says which model another architecture fits."""
    preset = find_preset(theirs)
    name = model_of(theirs)
    if name != model_of(ours):
        model = f"{name} with the preset {preset!r}" if preset else f"{name}"
        return f"The checkpoint looks like {looks_like or 'an HRNet'}: build {model}."
    if preset:
        return f"The checkpoint fits the preset {preset!r}: build that model."
    return f"The checkpoint fits a model built with {theirs}."


def _is_float(dtype):
    # ml_dtypes' bfloat16 is of kind V to NumPy.
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _torch_shape(variable):
    """Returns the shape that PyTorch gives this variable."""
    shape = tuple(variable.shape)
    return tuple(shape[i] for i in TORCH_AXES.get(len(shape), range(len(shape))))
