"""Models for the predictors, from files of training or exported folders."""

from pathlib import Path

from hrnet_tf.models.loading import load_model


def read_model(path):
    """Loads what a predictor runs.

    Args:
        path: str or path of a `.keras` file, or of a folder that `export_saved_model`
            wrote: a version's, or the one above, whose largest version is taken.
    Returns:
        An `HRNetModel`, or what `load_exported` returns.
    Raises:
        ValueError: if there is no complete model; the text names the file.
    """
    path = Path(path)
    if path.is_dir() or (not path.exists() and path.suffix != ".keras"):
        # TensorFlow's export is not needed for a file.
        from hrnet_tf.export.saved_model import load_exported

        return load_exported(path)
    return load_model(path)
