"""Faces of COFW in its official .mat files, which hold the images too.

Reference: HRNet-Facial-Landmark-Detection, lib/datasets/cofw.py; Burgos-Artizzu et
    al., "Robust face landmark estimation under occlusion" (the files).
"""

from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.io import write_file
from hrnet_tf.typing import PathLike, Progress

# Names of the images and of the shapes in the files of training and test.
_VARIABLES = (("IsTr", "phisTr"), ("IsT", "phisT"))


def load_mat(
    mat_file: PathLike,
    image_dir: PathLike,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[PoseExample]:
    """Loads the faces of COFW_train.mat, COFW_test.mat or their colour versions.

    The images are written to a folder as PNG, once; files that are there already are
    kept.

    Args:
        mat_file: path of the file, of MATLAB's version 7.3 (HDF5) or an older one.
        image_dir: path of the folder for the images; made if absent.
        skip_bad: bool. Whether single bad faces are skipped and counted in one warning
            instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `PoseExample` with a face each, in the file's order; visibility 1 for
        occluded landmarks, else 2. A face's box is the square of the landmarks' larger
        extent around their middle, as in the official code.
    Raises:
        ValueError: naming file and face, if the file is not COFW's, an image is not
            8-bit grey or RGB, a number is not finite, or the folder holds another
            image under the same name.
    """
    mat_file, image_dir = Path(mat_file), Path(image_dir)
    images, shapes = _read(mat_file)
    image_dir.mkdir(parents=True, exist_ok=True)
    bad = BadExamples(mat_file, skip_bad)
    examples = []
    for row, (image, shape) in enumerate(zip(images, shapes, strict=True)):
        where = f"{mat_file}: face {row} (from 0)"
        try:
            box, keypoints = _face(where, shape)
            pixels = _pixels(where, image)
        except BadExample as error:
            bad.add(error)
        else:
            path = image_dir / f"{mat_file.stem}_{row:05d}.png"
            _write_once(path, pixels, mat_file)
            examples.append(_example(path, row, pixels.shape[:2], box, keypoints))
        if progress is not None:
            progress(row + 1, len(images))
    if not examples:
        raise ValueError(
            f"{mat_file} holds no usable face among its {len(images)}:"
            f" {bad.describe()}."
        )
    bad.warn()
    return examples


def _read(path):
    """Returns the list of `N` images and the shapes `[N, 3 K]` of a file."""
    import h5py

    if not path.is_file():
        raise ValueError(f"There is no annotation file {path}. Check the path.")
    read = _read_hdf5 if h5py.is_hdf5(path) else _read_old
    try:
        found = read(path)
    except Exception as error:
        # scipy and h5py raise errors of many types for damaged files.
        raise ValueError(f"{path} is no readable .mat file: {error}.") from error
    if found is None:
        raise ValueError(
            f"{path} should hold the variables IsTr and phisTr (training) or IsT and"
            " phisT (test) of COFW's official files."
        )
    images, shapes = found
    columns = 3 * load_keypoint_set("cofw").num_keypoints
    shapes = np.asarray(shapes, np.float64)
    if shapes.shape != (len(images), columns) or not len(images):
        raise ValueError(
            f"{path} should hold as many shapes of {columns} numbers (x, y and"
            f" occlusion of {columns // 3} landmarks) as images. Received:"
            f" {len(images)} images and shapes of the size {shapes.shape}."
        )
    return images, shapes


def _read_hdf5(path):
    import h5py

    with h5py.File(path, "r") as file:
        for images, shapes in _VARIABLES:
            if images in file and shapes in file:
                # MATLAB stores columns first, so everything is transposed here.
                references = file[images][()].ravel()
                return [file[r][()].T for r in references], file[shapes][()].T
    return None


def _read_old(path):
    from scipy.io import loadmat

    variables = loadmat(path, variable_names=[n for pair in _VARIABLES for n in pair])
    for images, shapes in _VARIABLES:
        if images in variables and shapes in variables:
            return list(variables[images].ravel()), variables[shapes]
    return None


def _face(where, shape):
    """Returns the box `[4]` and the landmarks `[K, 3]` of a shape."""
    if not np.isfinite(shape).all():
        at = int(np.flatnonzero(~np.isfinite(shape))[0])
        raise BadExample(
            "shape not finite",
            f"{where}: its shape holds {shape[at]} at position {at} (from 0); expected"
            " finite numbers.",
        )
    x, y, occluded = shape.reshape(3, -1)
    points = np.stack([x, y], -1)
    low, high = np.floor(points.min(0)), np.ceil(points.max(0))
    side = (high - low).max()
    if side <= 0:
        raise BadExample(
            "box without area", f"{where}: all its landmarks are at {points[0]}."
        )
    box = [*((low + high - side) / 2), side, side]
    return box, np.concatenate([points, np.where(occluded > 0, 1, 2)[:, None]], 1)


def _pixels(where, image):
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.shape[2:] not in ((), (3,)) or image.ndim < 2:
        raise BadExample(
            "unsupported image",
            f"{where}: its image has the shape {image.shape} and the type"
            f" {image.dtype}; expected uint8 [H, W] or [H, W, 3].",
        )
    return np.ascontiguousarray(image)


def _write_once(path, pixels, mat_file):
    """Writes an image unless it is there."""
    from PIL import Image

    if path.is_file():
        if image_size(path) != pixels.shape[:2]:
            raise ValueError(
                f"{path} is not the image that {mat_file} holds: its size is another."
                " Pass an empty folder for the images."
            )
        return
    picture = Image.fromarray(pixels)
    write_file(path, lambda file: picture.save(file, format="PNG"))


def _example(path, row, size, box, keypoints):
    return PoseExample(
        image_path=str(path),
        image_id=row,
        height=size[0],
        width=size[1],
        boxes=np.array([box]),
        keypoints=keypoints[None],
        areas=np.array([box[2] * box[3]]),
        ids=np.array([row]),
    )
