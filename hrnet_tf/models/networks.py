"""Which of a task's classes a preset is of."""

from collections.abc import Sequence
from typing import Any

from hrnet_tf.models.presets import split_preset


def class_of_preset(classes: Sequence[type], preset: str) -> type:
    """Returns the class that has a preset, the first one that has it.

    Args:
        classes: sequence of subclasses of `HRNetModel`.
        preset: str. An architecture, or the name of published weights.
    Raises:
        ValueError: if none has it; the text lists all architectures.
    """
    for kind in classes:
        if preset in kind.architectures:  # type: ignore[attr-defined]
            return kind
    from hrnet_tf.weights import registry

    if preset in registry.names():
        model = registry.published(preset).model
        found = [kind for kind in classes if kind.__name__ == model]
        # The class's own error says what to do with weights of another one.
        return (found or list(classes))[0]
    names = [n for kind in classes for n in kind.architectures]  # type: ignore[attr-defined]
    raise ValueError(
        f"Unknown preset. Received: preset={preset!r}. Expected an architecture, one of"
        f" {', '.join(names)}, or the name of published weights (`hrnet presets"
        " --weights` lists them)."
    )


def network_from_preset(
    classes: Sequence[type],
    preset: str,
    first_only: Sequence[str],
    arguments: dict[str, Any],
) -> Any:
    """Builds a network of a task, whose class follows from the preset.

    Args:
        classes: sequence of subclasses of `HRNetModel`, the task's own first.
        preset: str, see `class_of_preset`; with arguments of its class behind a colon,
            see `split_preset`.
        first_only: names of the arguments that the first class alone takes; of
            `arguments` they are left out for others.
        arguments: dict, of `from_preset`; those of the preset win.
    Returns:
        An `HRNetModel`.
    Raises:
        ValueError: if there is no such preset, or its class takes no such argument.
    """
    kind: Any = class_of_preset(classes, split_preset(preset)[0])
    if kind is not classes[0]:
        arguments = {k: v for k, v in arguments.items() if k not in first_only}
    return kind.from_preset(preset, **arguments)
