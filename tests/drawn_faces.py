"""Faces drawn for tests, in the formats of the face data sets."""

import csv
import json

import numpy as np
from PIL import Image, ImageDraw

HEIGHT, WIDTH = 96, 128


def draw_faces(folder, keypoint_set, count, seed=0):
    """Draws `count` images of a face each, as PNG.

    Returns:
        A list of dicts: image (file name), center, scale and points `[K, 2]`.
    """
    rng = np.random.default_rng(seed)
    # The same layout in every face: what a network can learn.
    layout = np.random.default_rng(7).uniform(-1, 1, (keypoint_set.num_keypoints, 2))
    folder.mkdir(parents=True, exist_ok=True)
    faces = []
    for index in range(count):
        size = rng.uniform(40, 70)
        center = np.array([WIDTH, HEIGHT]) / 2 + rng.uniform(-8, 8, 2)
        points = center + 0.45 * size * layout
        image = Image.new("RGB", (WIDTH, HEIGHT), tuple(rng.integers(40, 200, 3)))
        draw = ImageDraw.Draw(image)
        for i, point in enumerate(points):
            color = (3 * i % 256, 255 - 2 * i, 60 * (i % 4))
            draw.ellipse([*(point - 2), *(point + 2)], fill=color)
        name = f"{seed}_{index}.png"
        image.save(folder / name)
        faces.append(
            {
                "image": name,
                "center": np.round(center, 1).tolist(),
                "scale": round(size / 200, 4),
                "points": np.round(points, 3),
            }
        )
    return faces


def write_csv(path, faces, box_sizes=None):
    """Writes the official table; with AFLW's column if there are box sizes."""
    num_points = len(faces[0]["points"])
    names = ["image_name", "scale", "center_w", "center_h"]
    names += [f"original_{i}_{axis}" for i in range(num_points) for axis in "xy"]
    rows = [
        [face["image"], face["scale"], *face["center"], *np.ravel(face["points"])]
        for face in faces
    ]
    if box_sizes is not None:
        names.insert(2, "box_size")
        for row, box_size in zip(rows, box_sizes, strict=True):
            row.insert(2, box_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def write_json(path, faces, **changes):
    """Writes COCO-style annotations with centre and scale, as mmpose's.

    Args:
        **changes: fields of every annotation; None removes one.
    """
    images, annotations = [], []
    for index, face in enumerate(faces):
        images.append(
            {
                "id": index,
                "file_name": face["image"],
                "height": HEIGHT,
                "width": WIDTH,
            }
        )
        points = np.asarray(face["points"])
        keypoints = np.concatenate([points, np.full((len(points), 1), 2)], 1)
        x, y = points.min(0)
        annotation = {
            "id": 10 + index,
            "image_id": index,
            "category_id": 1,
            "keypoints": keypoints.ravel().tolist(),
            "bbox": [x, y, *np.ptp(points, axis=0)],
            "center": face["center"],
            "scale": face["scale"],
            **changes,
        }
        annotations.append({k: v for k, v in annotation.items() if v is not None})
    categories = [{"id": 1, "name": "face", "keypoints": []}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {"images": images, "annotations": annotations, "categories": categories}
        )
    )
    return path


def cofw_arrays(folder, faces, grey=False):
    """The pixels and shapes `[N, 87]` of drawn faces, as COFW's files hold them."""
    images, shapes = [], []
    for index, face in enumerate(faces):
        with Image.open(folder / face["image"]) as image:
            images.append(np.array(image.convert("L" if grey else "RGB")))
        points = np.asarray(face["points"])
        occluded = np.arange(len(points)) % 3 == index % 3
        shapes.append(np.concatenate([points[:, 0], points[:, 1], occluded]))
    return images, np.array(shapes, np.float64)


def write_mat73(path, images, shapes, names=("IsTr", "phisTr")):
    """Writes a file as MATLAB's version 7.3 does: HDF5, columns first."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("#refs#")
        references = np.empty((1, len(images)), h5py.ref_dtype)
        for index, image in enumerate(images):
            references[0, index] = group.create_dataset(str(index), data=image.T).ref
        file.create_dataset(names[0], data=references)
        file.create_dataset(names[1], data=shapes.T)
    return path


def write_old_mat(path, images, shapes, names=("IsT", "phisT")):
    """Writes a file of MATLAB's version 5."""
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    cells = np.empty((len(images), 1), object)
    cells[:, 0] = images
    savemat(path, {names[0]: cells, names[1]: shapes})
    return path
