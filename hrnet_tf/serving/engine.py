"""A model as a server runs it."""

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.io import read_image
from hrnet_tf.serving.examples import drawn_image, example_inputs
from hrnet_tf.serving.limits import Limits, Refused
from hrnet_tf.serving.signatures import functions_of
from hrnet_tf.serving.tensors import DEFAULT_SIGNATURE, encode_array
from hrnet_tf.tasks import make_inference, task_of
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel

# What the inputs are called that hold image files, pixels, and boxes.
FILES, PIXELS, BOXES = "image_bytes", "images", "boxes"
# Files that are decoded at once.
_DECODERS = 4
# An output of those signatures whose outputs are as large as the images: smaller images
# of a batch are filled up, so that only images of one size may run together.
_SIZES = "sizes"


class Engine:
    """Runs a model's signatures, and the way from image files to its task's results.

    Args:
        model: `HRNetModel` of a task, or `Exported`.
        source: path the model came from.
        name: str. What the server calls it; None makes it from the path.
    Attributes:
        name: str.
        version: int, that of an exported folder, or 1.
        format: str, such as "saved_model"; "keras" for models with layers.
        task: `Task`.
        inference: `Inference`.
        description: dict of json values.
        signatures: dict of name to `Signature`.
        default: str. The signature of requests that name none.
        output_types: dict of signature name to a dict of output name to (dtype, rank),
            as `warm_up` found them.
    Raises:
        ValueError: if no task takes the model.
    """

    def __init__(
        self,
        model: "HRNetModel | Any",
        source: PathLike,
        name: str | None = None,
    ) -> None:
        self.task = task_of(model, source)
        self.inference: Any = make_inference(model, source)
        found = functions_of(model, self.inference, source)
        self.format, self.description = found.format, found.description
        self.signatures: Mapping[str, Any] = found.signatures
        self.name, self.version = _name_and_version(found, name)
        known = list(self.signatures)
        self.default = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in known else known[0]
        self.output_types: dict[str, dict[str, tuple[str, int]]] = {}
        self._pool = ThreadPoolExecutor(_DECODERS, "decoding")

    def warm_up(self) -> float:
        """Runs each signature once, as the first run is slow; returns the seconds."""
        started = time.perf_counter()
        for name, signature in self.signatures.items():
            inputs = example_inputs(signature.inputs, self.description)
            found = signature(**inputs)
            self.output_types[name] = output_types(found)
        self.find([drawn_image((64, 64))], [{}])
        return time.perf_counter() - started

    def check(self, name: str, arrays: dict[str, np.ndarray], limits: Limits) -> Any:
        """Checks a request of a signature.

        Args:
            name: str, of the signature.
            arrays: dict of its inputs.
            limits: `Limits`.
        Returns:
            What is equal for requests that may run together.
        Raises:
            Refused: if it goes beyond a limit, or holds an image that is none.
        """
        sizes = None
        if FILES in arrays:
            sizes = limits.check_images(arrays[FILES].ravel().tolist())
        if PIXELS in arrays:
            count, height, width = arrays[PIXELS].shape[:3]
            limits.check_pixels(count * height * width)
            if not arrays[PIXELS].size:
                raise Refused(400, "The images have no pixels.", reason="image")
        if BOXES in arrays:
            limits.check_boxes(int(np.prod(arrays[BOXES].shape[:2])))
        shapes = tuple(sorted((key, x.shape[1:]) for key, x in arrays.items()))
        if _SIZES not in self.signatures[name].outputs:
            sizes = None
        return name, shapes, None if sizes is None else tuple(sorted(set(sizes)))

    def predict(
        self, name: str, requests: Sequence[dict[str, np.ndarray]]
    ) -> list[dict[str, np.ndarray]]:
        """Runs requests of a signature together.

        Args:
            name: str, of the signature.
            requests: sequence of dicts of its inputs.
        Returns:
            list of the dicts of outputs, in their order.
        Raises:
            ValueError: if the model refuses an input, such as a damaged image.
        """
        keys = list(requests[0])
        joined = {
            key: np.concatenate([one[key] for one in requests])
            if len(requests) > 1
            else requests[0][key]
            for key in keys
        }
        try:
            found = self.signatures[name](**joined)
        except Exception as error:
            if type(error).__name__ != "InvalidArgumentError":
                raise
            # TensorFlow's, without the graph's nodes, and where they were made.
            text = str(error).split("\n\t [[")[0].strip().splitlines()[-1]
            raise ValueError(f"The model refuses the inputs: {text[:300]}") from error
        ends = np.cumsum([len(one[keys[0]]) for one in requests])[:-1]
        parts = {key: np.split(array, ends) for key, array in found.items()}
        return [
            {key: split[i] for key, split in parts.items()}
            for i in range(len(requests))
        ]

    def find_in_files(
        self, requests: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> list[dict[str, Any] | Exception]:
        """Finds what the task looks for in image files.

        Args:
            requests: sequence of pairs: an image file, and what is known of it.
        Returns:
            list of what `find` returns; of a damaged file, or one that what is known
            does not fit, the ValueError.
        """
        decoded = list(self._pool.map(self._decode, requests))
        good = [one for one in decoded if not isinstance(one, Exception)]
        images, known = zip(*good, strict=True) if good else ((), ())
        rows = iter(self.find(images, known) if good else [])
        return [one if isinstance(one, Exception) else next(rows) for one in decoded]

    def _decode(self, request):
        content, known = request
        check = self.task.parts.check_known
        try:
            pixels, name = read_image(content)
            if check is not None and known:
                known = check(pixels, name, **known)
        except ValueError as error:
            return error
        return pixels, known

    def find(
        self, images: Sequence[np.ndarray], known: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Finds what the task looks for in images.

        Args:
            images: sequence of uint8 arrays `[H, W, 3]`, RGB.
            known: sequence of dicts of what is known of each, such as its boxes.
        Returns:
            list of dicts of json values, of what `hrnet predict` writes, with the
            image's height and width. Maps of classes are "png_bytes" besides.
        Raises:
            ValueError: if what is known does not fit an image.
        """
        names = dict.fromkeys(key for one in known for key in one)
        told = {key: [one.get(key) for one in known] for key in names}
        found = self.inference.run(list(images), [None] * len(images), **told)
        return [
            self._row(result, pixels)
            for result, pixels in zip(found, images, strict=True)
        ]

    def _row(self, result, pixels):
        height, width = pixels.shape[:2]
        row = {**self.inference.header, **result.to_dict()}
        row.pop("image_path", None)
        if hasattr(result, "png_bytes"):
            files = np.array([result.png_bytes()], object)
            row["png_bytes"] = encode_array(files)[0]
        return {**row, "height": height, "width": width}


def _name_and_version(found, name):
    """A model's name in addresses, and its version."""
    path, version = found.path.resolve(), 1
    stem = path.stem
    if found.format == "saved_model":
        stem = path.name
        if path.name.isdecimal():
            version, stem = int(path.name), path.parent.name
    elif stem in ("best", "last") and path.parent.name:
        # As trainings call them, in the folder of the run.
        stem = path.parent.name
    name = name or re.sub(r"[^\w.-]+", "_", stem, flags=re.ASCII).strip("_.") or "model"
    if not re.fullmatch(r"[\w.-]+", name, flags=re.ASCII):
        raise ValueError(
            "A model's name in addresses has letters, digits, '.', '_' and '-'."
            f" Received: {name!r}."
        )
    return name, version


def output_types(outputs: Mapping[str, np.ndarray]) -> dict[str, tuple[str, int]]:
    """Returns the types of outputs (dict of arrays) as metadata tell them.

    Each a pair: the type's name in TensorFlow's protos, and the rank.
    """
    return {name: (_type_name(array), array.ndim) for name, array in outputs.items()}


def _type_name(array):
    """The name of an array's type in TensorFlow's protos, such as DT_FLOAT."""
    if array.dtype.kind in "OSU":
        return "DT_STRING"
    return {"float32": "DT_FLOAT"}.get(
        array.dtype.name, f"DT_{array.dtype.name.upper()}"
    )
