"""Poses as predicted instances of SLEAP, by sleap-io."""

from pathlib import Path

import numpy as np

from hrnet_tf.data.formats.tools.writers.predicted import found_in
from hrnet_tf.extras import import_extra
from hrnet_tf.io import replacing


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: predictions.slp, which names the pictures and videos.

    SLEAP trains on instances that somebody labelled: a double click makes one of a
    predicted one.
    """
    library = import_extra("sleap_io", "Writing files of SLEAP")
    found = found_in(predictions, images)
    skeleton = library.Skeleton(
        nodes=list(found.names),
        edges=found.limbs,
        symmetries=[tuple(pair) for pair in found.flip_pairs],
    )
    videos = _videos(library, found)
    frames = []
    for picture in found.pictures:
        video, number = videos[picture.source, picture.frame]
        instances = [
            library.PredictedInstance.from_numpy(
                np.where(person.placed[:, None], person.points, np.nan),
                skeleton=skeleton,
                point_scores=person.scores,
                score=person.score,
            )
            for person in picture.people
        ]
        frames.append(library.LabeledFrame(video, number, instances))
    labels = library.Labels(frames, skeletons=[skeleton])
    path = out / "predictions.slp"
    with replacing(path) as beside:
        # The library would close what the caller still has open, and show a bar.
        labels.save(str(beside), verbose=False)
    return [path]


def _videos(library, found):
    """dict of (source, frame) to SLEAP's video and the number in it."""
    places, lists = {}, {}
    videos = {}
    for picture in found.pictures:
        if picture.frame is not None:
            if picture.source not in videos:
                video = library.Video.from_filename(str(picture.source))
                videos[picture.source] = video
            place = videos[picture.source], picture.frame
            places[picture.source, picture.frame] = place
        else:
            # Pictures of a video have one size.
            lists.setdefault((picture.group, picture.size), []).append(picture)
    for pictures in lists.values():
        video = library.Video.from_filename([str(p.source) for p in pictures])
        for number, picture in enumerate(pictures):
            places[picture.source, None] = video, number
    return places
