"""The names of the official PyTorch checkpoints <-> the paths of our variables."""

import re

# (our layer, official convolution, official normalisation); {x} is a number and a
# repeated {x} the same number. The first line that matches counts.
_UNITS = (
    ("stem_conv{n}", "conv{n}", "bn{n}"),
    ("stage1_block{k}/conv{n}", "layer1.{k}.conv{n}", "layer1.{k}.bn{n}"),
    (
        "stage1_block{k}/projection",
        "layer1.{k}.downsample.0",
        "layer1.{k}.downsample.1",
    ),
    # Opening stream t is one level deeper than changing the width of another.
    (
        "transition{t}/stream{t}_conv",
        "transition{t}.{t}.0.0",
        "transition{t}.{t}.0.1",
    ),
    ("transition{t}/stream{i}_conv", "transition{t}.{i}.0", "transition{t}.{i}.1"),
    (
        "stage{s}_module{m}/stream{i}_block{k}/conv{n}",
        "stage{s}.{m}.branches.{i}.{k}.conv{n}",
        "stage{s}.{m}.branches.{i}.{k}.bn{n}",
    ),
    (
        "stage{s}_module{m}/fusion/up{j}to{i}_conv",
        "stage{s}.{m}.fuse_layers.{i}.{j}.0",
        "stage{s}.{m}.fuse_layers.{i}.{j}.1",
    ),
    (
        "stage{s}_module{m}/fusion/down{j}to{i}_conv{c}",
        "stage{s}.{m}.fuse_layers.{i}.{j}.{c}.0",
        "stage{s}.{m}.fuse_layers.{i}.{j}.{c}.1",
    ),
)
_CONV_LEAVES = {"kernel": "weight"}
_NORM_LEAVES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# (path, name) templates of every variable of a network.
_TEMPLATES = [
    (f"{ours}/{part}/{leaf}", f"{official}.{official_leaf}")
    for ours, conv, norm in _UNITS
    for part, official, leaves in (
        ("conv", conv, _CONV_LEAVES),
        ("norm", norm, _NORM_LEAVES),
    )
    for leaf, official_leaf in leaves.items()
] + [("head/kernel", "final_layer.weight"), ("head/bias", "final_layer.bias")]


def _pattern(template):
    """Returns the regular expression that a template stands for."""
    parts, seen = [], set()
    for text, field in re.findall(r"([^{]*)(?:{(\w)})?", template):
        parts.append(re.escape(text))
        if field:
            parts.append(f"(?P={field})" if field in seen else rf"(?P<{field}>\d+)")
            seen.add(field)
    return re.compile("".join(parts))


_FROM_PATH = [(_pattern(ours), official) for ours, official in _TEMPLATES]
_FROM_NAME = [(_pattern(official), ours) for ours, official in _TEMPLATES]


def _translate(text, table):
    for pattern, template in table:
        match = pattern.fullmatch(text)
        if match:
            return template.format(**match.groupdict())
    return None


def official_name(path):
    """Returns the official tensor name of a variable's path, or None.

    Args:
        path: str. `keras.Variable.path`, such as "stem_conv1/conv/kernel".
    """
    return _translate(path, _FROM_PATH)


def variable_path(name):
    """Returns the path of the variable that an official tensor belongs to, or None.

    The path follows from the name alone: a given model may not have it.

    Args:
        name: str. A state dict's key, such as "conv1.weight".
    """
    return _translate(name, _FROM_NAME)
