"""Files of SLEAP, written by sleap-io, its own library."""

import sys

import numpy as np
import pytest
from drawn_people import draw_pictures
from drawn_video import write_video

from hrnet_tf.data.formats.tools import find_format, read_labelled

NAN = float("nan")


def test_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    path = tmp_path / "a.slp"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert find_format(path).name == "sleap"
    with pytest.raises(ValueError, match=r"pip install 'hrnet_tf\[formats\]'"):
        read_labelled(path)


def labels_of(video, numbers=(1, 3)):
    """Two frames: a hidden point, a missing one, and what SLEAP predicted."""
    import sleap_io

    skeleton = sleap_io.Skeleton(
        nodes=["tip", "left", "right"],
        edges=[("tip", "left"), ("tip", "right")],
        symmetries=[("left", "right")],
    )
    frames = []
    for number in numbers:
        points = np.array([[10.25 + number, 12], [20, 21], [NAN, NAN]])
        own = sleap_io.Instance.from_numpy(points, skeleton=skeleton)
        other = sleap_io.PredictedInstance.from_numpy(
            points, skeleton=skeleton, point_scores=np.ones(3), score=0.5
        )
        frames.append(sleap_io.LabeledFrame(video, number, [own, other]))
    frames[1].instances[0].points["visible"][1] = False
    return sleap_io.Labels(frames)


def check(data, numbers=(1, 3)):
    assert data.names == ("tip", "left", "right")
    assert data.skeleton == (("tip", "left"), ("tip", "right"))
    assert data.flip_pairs == (("left", "right"),)
    first, second = numbers
    assert [e.keypoints.tolist() for e in data.examples] == [
        [[[10.25 + first, 12, 2], [20, 21, 2], [0, 0, 0]]],
        [[[10.25 + second, 12, 2], [0, 0, 0], [0, 0, 0]]],
    ]
    ((reason, (count, _)),) = data.left_out.counts.items()
    assert (reason, count) == ("instances that SLEAP predicted", 2)
    assert data.reader.startswith("sleap-io ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.slp", "a.pkg.slp"])
def test_a_video(tmp_path, name):
    import sleap_io

    write_video(tmp_path / "walk.mp4", 5)
    video = sleap_io.Video.from_filename(str(tmp_path / "walk.mp4"))
    labels = labels_of(video)
    embed = {"embed": "user"} if "pkg" in name else {}
    labels.save(str(tmp_path / name), **embed)
    if embed:
        (tmp_path / "walk.mp4").unlink()
    else:
        # Made on another machine.
        (tmp_path / "walk.mp4").rename(tmp_path / "moved.mp4")
        with pytest.raises(ValueError, match="no image .*walk.mp4"):
            read_labelled(tmp_path / name, work=tmp_path / "work")
        (tmp_path / "videos").mkdir()
        (tmp_path / "moved.mp4").rename(tmp_path / "videos" / "walk.mp4")
    data = read_labelled(tmp_path / name, work=tmp_path / "work")
    check(data)
    assert [(e.height, e.width) for e in data.examples] == [(48, 64)] * 2
    assert len(set(data.groups.values())) == 1


@pytest.mark.slow
def test_pictures(tmp_path):
    import sleap_io

    draw_pictures(tmp_path, "a/1.png", "a/2.png")
    names = [str(tmp_path / "a" / f"{i}.png") for i in (1, 2)]
    video = sleap_io.Video.from_filename(names)
    labels_of(video, (0, 1)).save(str(tmp_path / "a.slp"))
    data = read_labelled(tmp_path / "a.slp")
    check(data, (0, 1))
    assert [e.image_path for e in data.examples] == names


@pytest.mark.slow
def test_predictions_are_no_labels(tmp_path):
    import sleap_io

    write_video(tmp_path / "walk.mp4", 5)
    video = sleap_io.Video.from_filename(str(tmp_path / "walk.mp4"))
    labels = labels_of(video)
    for frame in labels.labeled_frames:
        del frame.instances[0]
    labels.save(str(tmp_path / "a.slp"))
    with pytest.raises(ValueError, match="no labelled instance in 2 .* 2 predicted"):
        read_labelled(tmp_path / "a.slp", work=tmp_path / "work")
