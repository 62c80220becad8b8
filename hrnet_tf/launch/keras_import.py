"""How training commands import Keras."""

import sys

# For DataFrames as training data, and for Keras' scikit-learn wrappers.
UNUSED = ("pandas", "sklearn")


def import_keras() -> None:
    """Imports Keras, and its backend, as if `UNUSED` were not installed.

    Keras imports these where it finds them, as it does beside tf-models-official, and
    each costs the process time and memory. Afterwards they can be imported as ever, but
    Keras goes on without them, so this is for commands, not for libraries.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    # None makes Python refuse an import.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
