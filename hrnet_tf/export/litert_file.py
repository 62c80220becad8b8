"""What is inside LiteRT files: their description, and functions that run them."""

import json
import threading
import zipfile
from pathlib import Path
from typing import Any

from hrnet_tf.extras import import_extra
from hrnet_tf.tasks.exported import Input, Signature

DESCRIPTION = "hrnet.json"


def add_files(path: Path, files: dict[str, str]) -> None:
    """Appends small files to a LiteRT file, as its metadata are kept elsewhere, too.

    They are a zip archive behind the graph, which runtimes do not look at: `unzip`
    shows them.

    Args:
        path: `Path` of the .tflite file.
        files: dict of a file's name to its text.
    Reference:
        https://ai.google.dev/edge/litert/conversion/tensorflow/metadata
    """
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in files.items():
            # Without the time of day: equal models give equal files.
            archive.writestr(zipfile.ZipInfo(name), text)


def description_place(path: Path) -> str:
    """Returns in words (str) where the description of a file is."""
    return f"{DESCRIPTION} in {path}"


def read_description(path: Path) -> dict[str, Any]:
    """Returns the description of a LiteRT file.

    Args:
        path: `Path` of the .tflite file.
    Raises:
        ValueError: if it has none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(DESCRIPTION))
    except zipfile.BadZipFile as error:
        raise ValueError(
            "the file does not say what it holds: it is cut short, or was not made by"
            " this package, or by an older release"
        ) from error


def read_signatures(path: Path, num_threads: int) -> dict[str, Signature]:
    """Returns the functions of a LiteRT file, by name.

    They may be called from several threads, one after the other.

    Args:
        path: `Path` of the .tflite file.
        num_threads: int. Cores to use.
    Raises:
        ValueError: if LiteRT is not installed, or cannot read the file.
    """
    litert = import_extra("ai_edge_litert.interpreter", f"The LiteRT file {path}")
    try:
        interpreter = litert.Interpreter(str(path), num_threads=num_threads)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} could not be loaded as a LiteRT file: {error}. Copy the whole"
            " file, or export the model again."
        ) from error
    lock = threading.Lock()
    return {
        name: _signature(interpreter.get_signature_runner(name), lock)
        for name in interpreter.get_signature_list()
    }


def _signature(runner, lock):
    def run(**arrays):
        # An interpreter has one set of buffers.
        with lock:
            return runner(**arrays)

    inputs = [
        Input(name, tuple(map(int, found["shape"])), found["dtype"].__name__)
        for name, found in runner.get_input_details().items()
    ]
    return Signature(inputs, sorted(runner.get_output_details()), run)
