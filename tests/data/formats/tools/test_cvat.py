"""CVAT's xml 1.1, as its server dumps it."""

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures
from drawn_video import write_video
from PIL import Image

from hrnet_tf.data.formats.tools import read_labelled

SVG = (
    '&lt;line x1="1" data-type="edge" data-node-from="1" data-node-to="2"&gt;'
    "&lt;/line&gt;"
    '&lt;circle r="1" data-type="element node" data-node-id="2"'
    ' data-label-name="ear"&gt;&lt;/circle&gt;'
    '&lt;circle r="1" data-type="element node" data-node-id="1"'
    ' data-label-name="tip"&gt;&lt;/circle&gt;'
)
LABELS = f"""
<label><name>bird</name><color>#ff0000</color><type>skeleton</type>
<attributes></attributes><svg>{SVG}</svg></label>
<label><name>ear</name><type>points</type><parent>bird</parent></label>
<label><name>tip</name><type>points</type><parent>bird</parent></label>
<label><name>box</name><color>#00ff00</color><type>rectangle</type></label>
"""
VIDEO = """<original_size><width>64</width><height>48</height></original_size>
<source>walk.mp4</source>"""


def part(name, x, y, **flags):
    flags = {"outside": 0, "occluded": 0, **flags}
    said = " ".join(f'{key}="{value}"' for key, value in flags.items())
    return f'<points label="{name}" {said} points="{x + 0.5:.2f},{y + 0.5:.2f}"/>'


def skeleton(*parts, label="bird", group=0):
    of_group = f' group_id="{group}"' if group else ""
    return (
        f'<skeleton label="{label}" source="manual" z_order="0"{of_group}>'
        f"{''.join(parts)}</skeleton>"
    )


def box(left, top, right, bottom, group=0):
    of_group = f' group_id="{group}"' if group else ""
    sides = f'xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"'
    return f'<box label="box" occluded="0" {sides}{of_group}></box>'


def image(name, *shapes, subset="default", width=WIDTH, number=0):
    return (
        f'<image id="{number}" name="{name}" subset="{subset}" width="{width}"'
        f' height="{HEIGHT}">{"".join(shapes)}</image>'
    )


def dump(folder, *content, meta="", labels=LABELS):
    path = folder / "annotations.xml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>'
        f"<meta><task><id>4</id><name>mine</name><labels>{labels}</labels>{meta}"
        f"</task></meta>{''.join(content)}</annotations>"
    )
    return path


@pytest.fixture
def folder(tmp_path):
    draw_pictures(tmp_path / "images", "a.png", "sub/b.png")
    return tmp_path


def people(data):
    return [example.keypoints.round(3).tolist() for example in data.examples]


def test_skeletons(folder):
    dump(
        folder,
        image(
            "a.png",
            skeleton(part("ear", 12, 6, occluded=1), part("tip", 10.25, 5), group=3),
            box(5, 2, 15, 12, group=3),
            skeleton(part("tip", 20, 9), part("ear", 3, 3, outside=1)),
            subset="Train",
        ),
        image("sub/b.png", subset="Validation"),
        image("sub/b.png", skeleton(part("tip", 1, 1)), subset="Validation"),
    )
    data = read_labelled(folder)
    assert (data.task, data.format) == ("pose", "cvat")
    # The drawing's order, not that of the labels.
    assert data.names == ("tip", "ear") and data.skeleton == (("tip", "ear"),)
    assert people(data) == [
        [[[10.25, 5, 2], [12, 6, 1]], [[20, 9, 2], [0, 0, 0]]],
        [[[1, 1, 2], [0, 0, 0]]],
    ]
    assert data.examples[0].boxes[0].tolist() == [5, 2, 10, 10]
    assert list(data.splits.values()) == ["train", "val"]
    assert data.left_out.counts == {"pictures without labels": (1, "sub/b.png")}


def test_what_is_no_skeleton_of_the_most_is_counted(folder):
    path = dump(
        folder,
        image(
            "a.png",
            *[skeleton(part("tip", 1, 1))] * 2,
            skeleton(part("wing", 5, 5), label="bat"),
            box(1, 2, 3, 4),
            '<polygon label="box" points="1,1;2,2;3,1"></polygon>',
            '<ellipse label="box" cx="1" cy="1" rx="1" ry="1"></ellipse>',
            part("box", 1, 1),
        ),
    )
    assert read_labelled(path).left_out.counts == {
        "skeletons of another label": (1, "bat"),
        "outlines": (2, "a.png"),
        "points beside skeletons": (1, "a.png"),
        "boxes that are grouped with no skeleton": (1, "a.png"),
    }


def test_loose_points(folder):
    labels = "<label><name>tip</name><type>points</type></label>"
    data = read_labelled(
        dump(
            folder,
            image("a.png", part("ear", 12, 6, occluded=1), part("tip", 10, 5)),
            labels=labels,
        )
    )
    assert data.names == ("ear", "tip")
    assert people(data) == [[[[12, 6, 1], [10, 5, 2]]]]


def test_tags(folder):
    path = dump(
        folder,
        image("a.png", '<tag label="ripe"></tag>', box(1, 1, 2, 2)),
        image("sub/b.png", '<tag label="green"></tag>'),
    )
    data = read_labelled(path)
    assert (data.task, data.names) == ("classification", ("green", "ripe"))
    assert [example.label for example in data.examples] == [1, 0]
    assert data.left_out.counts == {"shapes beside tags": (1, "a.png")}


def track(*frames):
    return f'<track id="0" label="bird" source="manual">{"".join(frames)}</track>'


def on_frame(number, *parts):
    return f'<skeleton frame="{number}" keyframe="1">{"".join(parts)}</skeleton>'


def test_a_video(tmp_path):
    write_video(tmp_path / "walk.mp4", 6)
    dump(
        tmp_path,
        track(
            on_frame(1, part("tip", 10, 5), part("ear", 12, 6)),
            on_frame(4, part("tip", 30, 5), part("ear", 12, 6, outside=1)),
            on_frame(5, part("tip", 30, 5, outside=1), part("ear", 1, 1, outside=1)),
        ),
        meta=VIDEO,
    )
    data = read_labelled(tmp_path, work=tmp_path / "work")
    assert people(data) == [
        [[[10, 5, 2], [12, 6, 2]]],
        [[[30, 5, 2], [0, 0, 0]]],
    ]
    assert [e.image_path.rsplit("/", 2)[1:] for e in data.examples] == [
        ["walk.mp4", "000001.png"],
        ["walk.mp4", "000004.png"],
    ]
    assert set(data.groups.values()) == {"walk.mp4"}
    assert [(e.height, e.width) for e in data.examples] == [(48, 64)] * 2
    with pytest.raises(ValueError, match="pass `work`, a folder for them"):
        read_labelled(tmp_path)


def test_a_video_whose_frames_were_exported(tmp_path):
    write_video(tmp_path / "other.mp4", 2)
    dump(tmp_path, track(on_frame(1, part("tip", 10, 5))), meta=VIDEO)
    with pytest.raises(ValueError, match="no image .*walk.mp4"):
        read_labelled(tmp_path, work=tmp_path / "work")
    data = read_labelled(
        tmp_path, images=tmp_path / "other.mp4", work=tmp_path / "work"
    )
    assert data.examples[0].image_path.endswith("frames/walk.mp4/000001.png")
    dump(tmp_path, track(on_frame(1, part("tip", 10, 5))))
    draw_pictures(tmp_path / "images", "frame_000001.PNG")
    data = read_labelled(tmp_path)
    assert data.examples[0].image_path.endswith("images/frame_000001.PNG")


def test_says_which_frame_is_absent(tmp_path):
    write_video(tmp_path / "walk.mp4", 2)
    dump(tmp_path, track(on_frame(7, part("tip", 10, 5))), meta=VIDEO)
    with pytest.raises(ValueError, match=r"frame 7 \(from 0\) of walk.mp4"):
        read_labelled(tmp_path, work=tmp_path / "work")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("10.50,5.50", "10.50", "points 'tip' is at '10.50'; expected pairs"),
        ("10.50", "nan", "expected pairs"),
        ('width="40"', 'width="80"', "its annotation says 80x30"),
        ("</annotations>", "", "no complete xml file"),
    ],
)
def test_says_what_is_wrong(folder, old, new, message):
    path = dump(folder, image("a.png", skeleton(part("tip", 10, 5))))
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_labelled(path)


def mask(label, mask, left, top):
    """A mask that begins with a run of what is outside."""
    values = np.concatenate([[0], mask.ravel(), [2]])
    edges = np.flatnonzero(np.diff(values))
    runs = np.diff(np.concatenate([[0], edges]))
    height, width = mask.shape
    return (
        f'<mask label="{label}" rle="{", ".join(map(str, runs))}" left="{left}"'
        f' top="{top}" width="{width}" height="{height}"></mask>'
    )


def test_polygons_and_masks(folder):
    shape = np.array([[0, 1, 1], [1, 1, 0]])
    path = dump(
        folder,
        image(
            "a.png",
            '<polygon label="leaf" points="2,2;20,2;20,12;2,12"></polygon>',
            mask("apple", shape, 4, 3),
        ),
        labels="<label><name>leaf</name><color>#00ff00</color></label>"
        "<label><name>apple</name><color>#ff0000</color></label>",
    )
    data = read_labelled(path, work=folder / "work")
    assert data.names == ("background", "apple", "leaf")
    assert data.palette == ((0, 0, 0), (255, 0, 0), (0, 255, 0))
    labels = np.asarray(Image.open(data.examples[0].label_path))
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[2:12, 2:20] = 2
    expected[3:5, 4:7][shape == 1] = 1
    assert (labels != expected).sum() == 0
    path.write_text(path.read_text().replace('left="4"', 'left="39"'))
    with pytest.raises(ValueError, match="a mask has runs of 6 pixels in 3x2 at 39, 3"):
        read_labelled(path, work=folder / "work")
