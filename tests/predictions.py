"""Predictions of drawn pictures and videos, as `hrnet predict` writes them."""

import numpy as np
from drawn_people import draw_pictures
from drawn_video import write_video

NAMES = ("tip", "left", "right", "tail end")
SKELETON = (("tip", "left"), ("tip", "right"))
FLIP_PAIRS = (("left", "right"),)
# The third one is not placed.
SCORES = (0.9, 0.8, 0.05, 0.5)


def predict_people(folder, video=True):
    """Draws pictures, two of the same name, and a video; returns predictions.json."""
    rng = np.random.default_rng(0)

    def person():
        points = rng.uniform((5, 4), (25, 19), (len(NAMES), 2)).round(3).tolist()
        return {
            "box": [4.123, 3.5, 22.25, 17.125],
            "box_score": 0.9,
            "keypoints": [[*p, s] for p, s in zip(points, SCORES, strict=True)],
        }

    draw_pictures(folder, "x/a.png", "x/b.jpg", "y/a.png", "y/c.png")
    counts = {"x/a.png": 1, "x/b.jpg": 2, "y/a.png": 0, "y/c.png": 1}
    content = {
        "model": "runs/bird/best.keras",
        "keypoint_set": {
            "name": "bird",
            "names": list(NAMES),
            "skeleton": [list(pair) for pair in SKELETON],
            "flip_pairs": [list(pair) for pair in FLIP_PAIRS],
        },
        "images": [
            {
                "image_path": str(folder / name),
                "people": [person() for _ in range(count)],
            }
            for name, count in counts.items()
        ],
    }
    if video:
        write_video(folder / "walk.mp4", 5)
        frames = [{"time": i * 0.08, "people": [person()]} for i in range(5)]
        content["videos"] = [
            {
                "video_path": str(folder / "walk.mp4"),
                "height": 48,
                "width": 64,
                "frames": frames,
            }
        ]
        content["annotate_every"] = 2
    return content


def people_of(content):
    """The placed keypoints of all people: `[N, K, 3]`, 0 for those that are not."""
    rows = list(content["images"])
    for video in content.get("videos", ()):
        rows += video["frames"][:: content["annotate_every"]]
    points = np.array([p["keypoints"] for row in rows for p in row["people"]])
    placed = points[..., 2:] >= 0.2
    return np.where(placed, np.concatenate([points[..., :2], 2 * placed], -1), 0)


def largest_difference(content, data):
    """Of all coordinates of people that were read again, in px.

    Everybody is to be there, with the same keypoints placed.
    """
    written = people_of(content)
    again = np.concatenate([example.keypoints for example in data.examples])
    order = [list(data.names).index(name) for name in NAMES if name in data.names]
    again = again[:, order]
    kept = [i for i, name in enumerate(NAMES) if name in data.names]
    assert len(again) == len(written)
    differences = []
    for person in written[:, kept]:
        same = [p for p in again if (p[:, 2] == person[:, 2]).all()]
        differences.append(min(np.abs(p - person)[:, :2].max() for p in same))
    return max(differences)
