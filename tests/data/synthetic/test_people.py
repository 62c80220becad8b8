import hashlib
import json

import numpy as np
import pytest

from hrnet_tf.data.synthetic.people import PART_NAMES, generate_people

SIZE = (120, 160)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return generate_people(tmp_path_factory.mktemp("drawn") / "people", 14, 3, SIZE, 7)


@pytest.fixture(scope="module")
def coco(people):
    from pycocotools.coco import COCO

    return COCO(people / "annotations/person_keypoints_train2017.json")


def read(path):
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture)


def labels(people, annotation, kind):
    name = f"{annotation['image_id']:012d}.png"
    return read(people / kind / "train2017" / name)


def mask_of(people, annotation):
    return labels(people, annotation, "instance_masks") == annotation["id"] % 10


def named_keypoints(coco, annotation):
    names = coco.loadCats(1)[0]["keypoints"]
    values = np.reshape(annotation["keypoints"], (17, 3))
    return dict(zip(names, values, strict=True))


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TestLayout:
    def test_files_and_sizes(self, people):
        for split, count in (("train", 14), ("val", 3)):
            images = sorted((people / f"{split}2017").iterdir())
            assert len(images) == count
            for path in images:
                assert path.suffix == ".jpg"
                assert read(path).shape == (*SIZE, 3)
                for kind in ("part_masks", "instance_masks"):
                    mask = read(people / kind / f"{split}2017" / f"{path.stem}.png")
                    assert mask.shape == SIZE and mask.dtype == np.uint8
        assert [path.name for path in people.parent.iterdir()] == ["people"]

    def test_json_has_the_official_fields(self, people):
        for split, count in (("train", 14), ("val", 3)):
            path = people / f"annotations/person_keypoints_{split}2017.json"
            document = json.loads(path.read_text())
            assert len(document["images"]) == count
            for image in document["images"]:
                assert (people / f"{split}2017" / image["file_name"]).exists()
                assert (image["height"], image["width"]) == SIZE
            (category,) = document["categories"]
            assert category["name"] == "person" and len(category["keypoints"]) == 17
            assert len(category["skeleton"]) == 19
            assert np.min(category["skeleton"]) == 1
            assert np.max(category["skeleton"]) == 17
            pictured = {person["image_id"] for person in document["annotations"]}
            assert pictured == {image["id"] for image in document["images"]}

    def test_ids_are_unique_over_both_splits(self, people):
        ids = []
        for split in ("train", "val"):
            path = people / f"annotations/person_keypoints_{split}2017.json"
            ids += [item["id"] for item in json.loads(path.read_text())["annotations"]]
        assert len(ids) == len(set(ids))


class TestLabels:
    def test_masks_boxes_and_areas_agree(self, people, coco):
        assert len(coco.anns) > 14
        for annotation in coco.anns.values():
            mask = mask_of(people, annotation)
            np.testing.assert_array_equal(coco.annToMask(annotation), mask)
            assert annotation["area"] == mask.sum() > 0
            assert annotation["iscrowd"] == 0
            y, x = np.nonzero(mask)
            bounds = [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
            assert annotation["bbox"] == bounds

    def test_part_masks_cover_the_people(self, people, coco):
        seen = set()
        for image_id in coco.imgs:
            name = f"{image_id:012d}.png"
            parts = read(people / "part_masks/train2017" / name)
            instances = read(people / "instance_masks/train2017" / name)
            np.testing.assert_array_equal(parts > 0, instances > 0)
            seen |= set(np.unique(parts).tolist())
        assert seen == set(range(len(PART_NAMES)))

    def test_keypoints_lie_in_the_picture(self, coco):
        height, width = SIZE
        for annotation in coco.anns.values():
            keypoints = np.reshape(annotation["keypoints"], (17, 3))
            x, y, visible = keypoints.T
            assert set(visible) <= {0, 1, 2}
            assert annotation["num_keypoints"] == np.sum(visible > 0)
            assert np.all((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))
            assert np.all(keypoints[visible == 0] == 0)

    def test_visible_keypoints_lie_on_their_body_part(self, people, coco):
        joints = {
            "elbow": ("upper_arm", "lower_arm"),
            "wrist": ("lower_arm", "hand"),
            "knee": ("upper_leg", "lower_leg"),
            "ankle": ("lower_leg", "foot"),
        }
        for annotation in coco.anns.values():
            mask = mask_of(people, annotation)
            parts = labels(people, annotation, "part_masks") * mask
            for name, (x, y, visible) in named_keypoints(coco, annotation).items():
                side, _, joint = name.partition("_")
                row, column = round(y), round(x)
                rows, columns = (
                    slice(max(row - 1, 0), row + 2),
                    slice(max(column - 1, 0), column + 2),
                )
                if visible == 2:
                    assert mask[rows, columns].any(), name
                if joint in joints:
                    allowed = [PART_NAMES.index(f"{side}_{p}") for p in joints[joint]]
                    on_part = np.isin(parts[rows, columns], allowed).any()
                    assert visible == 0 or on_part == (visible == 2), name

    def test_other_people_hide_keypoints(self, people, coco):
        hidden = 0
        for annotation in coco.anns.values():
            others = labels(people, annotation, "instance_masks").copy()
            others[mask_of(people, annotation)] = 0
            for x, y, visible in named_keypoints(coco, annotation).values():
                row, column = round(y), round(x)
                around = others[max(row - 1, 0) : row + 2, max(column - 1, 0) :][:, :3]
                if visible and around.all():
                    assert visible == 1
                    hidden += 1
        assert hidden > 0


class TestFigure:
    def test_left_and_right_follow_the_view(self):
        from hrnet_tf.data.synthetic.figure import sample_figure
        from hrnet_tf.data.synthetic.head import face_points

        for seed in range(40):
            figure = sample_figure(np.random.default_rng(seed))
            across = figure.joints["left_shoulder"] - figure.joints["right_shoulder"]
            # Facing the camera, the left side is on the right of the picture.
            facing = figure.torso[2, 2]
            if abs(facing) > 0.3:
                assert np.sign(across[0]) == np.sign(facing)
            nose = face_points(figure)["nose"][1]
            assert abs(nose - figure.head[2, 2]) < 0.35

    def test_limbs_keep_their_length(self):
        from hrnet_tf.data.synthetic.figure import sample_figure

        for seed in range(20):
            joints = sample_figure(np.random.default_rng(seed)).joints
            for upper, lower in (("shoulder", "elbow"), ("hip", "knee")):
                left, right = (
                    np.linalg.norm(joints[f"{s}_{upper}"] - joints[f"{s}_{lower}"])
                    for s in ("left", "right")
                )
                assert left == pytest.approx(right)


class TestRepeatability:
    def test_same_seed_same_bytes(self, people, tmp_path):
        again = generate_people(tmp_path / "again", 14, 3, SIZE, 7)
        assert digests(again) == digests(people)

    def test_pictures_do_not_depend_on_their_number(self, people, tmp_path):
        fewer = digests(generate_people(tmp_path / "fewer", 2, 1, SIZE, 7))
        full = digests(people)
        pictures = [name for name in fewer if name.endswith((".jpg", ".png"))]
        assert len(pictures) == 9
        assert all(fewer[name] == full[name] for name in pictures)

    def test_other_seed_other_pictures(self, people, tmp_path):
        other = digests(generate_people(tmp_path / "other", 1, 1, SIZE, 8))
        full = digests(people)
        name = "train2017/000000000001.jpg"
        assert other[name] != full[name]


class TestWriting:
    def test_progress_counts_the_pictures(self, tmp_path):
        counts = []
        generate_people(tmp_path / "p", 2, 1, (96, 96), progress=counts.append)
        assert counts == [1, 2, 3]

    def test_finished_data_set_is_kept(self, people):
        before = digests(people)
        calls = []
        found = generate_people(str(people), 14, 3, list(SIZE), 7, calls.append)
        assert found == people and calls == []
        assert digests(people) == before

    def test_other_parameters_are_refused(self, people):
        with pytest.raises(ValueError, match=r"other parameters: \{'seed': 7\}.*8"):
            generate_people(people, 14, 3, SIZE, 8)

    def test_foreign_folder_is_refused(self, tmp_path):
        (tmp_path / "mine.txt").write_text("keep")
        with pytest.raises(ValueError, match="not empty and has no dataset.json"):
            generate_people(tmp_path, 1, 1)
        (tmp_path / "dataset.json").write_text("{")
        with pytest.raises(ValueError, match="Not a JSON file"):
            generate_people(tmp_path, 1, 1)
        with pytest.raises(ValueError, match="is a file"):
            generate_people(tmp_path / "mine.txt", 1, 1)

    def test_nothing_is_left_after_an_interruption(self, tmp_path):
        def stop(done):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            generate_people(tmp_path / "people", 2, 1, (96, 96), progress=stop)
        assert list(tmp_path.iterdir()) == []

    def test_there_may_be_six_people(self, tmp_path):
        folder = generate_people(tmp_path / "six", 12, 1, (96, 128), most_people=6)
        path = folder / "annotations" / "person_keypoints_train2017.json"
        owners = [a["image_id"] for a in json.loads(path.read_text())["annotations"]]
        assert 4 < max(map(owners.count, owners)) <= 6

    def test_empty_folder_is_filled(self, tmp_path):
        generate_people(tmp_path, 1, 1, (96, 128))
        assert (tmp_path / "dataset.json").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"num_train": 0}, "num_train must be .* Received: num_train=0"),
            ({"num_val": -3}, "num_val must be .* Received: num_val=-3"),
            ({"num_train": 2.5}, "num_train=2.5"),
            ({"image_size": (64, 320)}, r"at least 96 pixels.*\(64, 320\)"),
            ({"image_size": 240}, "image_size=240"),
            ({"seed": -1}, "seed=-1"),
            ({"most_people": 9}, "most_people must be 4 or 6.*9"),
        ],
    )
    def test_bad_parameters(self, tmp_path, arguments, message):
        arguments = {"num_train": 1, "num_val": 1, **arguments}
        with pytest.raises(ValueError, match=message):
            generate_people(tmp_path / "people", **arguments)
        assert list(tmp_path.iterdir()) == []
