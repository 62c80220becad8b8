"""The page, in a real browser without a window."""

import io
import json
import shutil
import subprocess

import numpy as np
import pytest
from browser import chromium, errors_of, wait
from PIL import Image
from pycocotools import mask as coco
from servers import SmallEngine, running

from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.serving.tensors import encode_array

pytestmark = pytest.mark.slow

HEIGHT, WIDTH = 480, 640
_POINTS = [[40.0 + 32 * i, 240.0, 0.9 if i != 3 else 0.1] for i in range(17)]
_LABELS = {"name": "two", "classes": ["sky", "road"], "file_ids": [0, 1]}
_LABELS["palette"] = [[200, 0, 0], [0, 0, 200]]
_OBJECTS = {"name": "toys", "classes": ["ball", "cube"]}


def label_map():
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[240:] = 1
    image = Image.fromarray(labels)
    image.putpalette([*sum(_LABELS["palette"], []), *[0] * 762])
    file = io.BytesIO()
    image.save(file, "PNG")
    return encode_array(np.array([file.getvalue()], object))[0]


def mask():
    """A part of the left half, in COCO's runs."""
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    drawn[40:440, 80:240] = 1
    runs = coco.encode(drawn)
    return {"size": runs["size"], "counts": runs["counts"].decode()}


RESULTS = {
    "pose": {
        "keypoint_set": COCO.to_dict(),
        "people": [{"box": [20, 160, 600, 160], "box_score": 1, "keypoints": _POINTS}],
    },
    "segmentation": {
        "shares": {"sky": 0.5, "road": 0.5},
        "label_set": _LABELS,
        "png_bytes": label_map(),
    },
    "detection": {
        "object_set": _OBJECTS,
        "objects": [
            {"class": "cube", "box": [80, 40, 160, 400], "score": 0.9, "mask": mask()},
            {"class": "ball", "box": [360, 40, 160, 400], "score": 0.4, "mask": mask()},
        ],
    },
    "classification": {
        "classes": [
            {"label": 1, "name": "cat", "probability": 0.7},
            {"label": 0, "name": "dog", "probability": 0.25},
        ]
    },
}


class Canned(SmallEngine):
    """Finds in each image what it is told."""

    def __init__(self, task):
        super().__init__()
        self.task.name = task
        self.result = RESULTS[task]

    def find(self, images, known):
        self.known = known
        height, width = images[0].shape[:2]
        return [{**self.result, "height": height, "width": width} for _ in images]


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def driver(downloads):
    with chromium(downloads) as found:
        yield found


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """The path of a white picture."""
    path = tmp_path_factory.mktemp("pictures") / "white.png"
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(path)
    return path


def open_page(driver, address):
    driver.get(address)
    wait(lambda: driver.execute_script("return window.hrnet?.model"))


def drop(driver, picture):
    driver.execute_script("window.hrnet.result = null")
    driver.find_element("id", "file").send_keys(str(picture))
    return wait(lambda: driver.execute_script("return window.hrnet.result"))


def pixel(driver, x, y):
    script = (
        "return Array.from(document.getElementById('picture').getContext('2d')"
        f".getImageData({x}, {y}, 1, 1).data.slice(0, 3))"
    )
    return driver.execute_script(script)


def found(driver):
    rows = driver.find_elements("css selector", "#found li")
    return [row.text.replace("\n", " ") for row in rows]


def slide(driver, name, value):
    driver.execute_script(
        "const slider = document.getElementById(arguments[0]);"
        "slider.value = arguments[1]; slider.dispatchEvent(new Event('input'))",
        name,
        value,
    )


class TestResults:
    def test_keypoints(self, driver, picture):
        with running(Canned("pose")) as address:
            open_page(driver, address)
            drop(driver, picture)
            # The left eye, the right one, and an ear of a low score.
            assert pixel(driver, 72, 240) == [0x00, 0x99, 0xFF]
            assert pixel(driver, 104, 240) == [0xFF, 0x7A, 0x00]
            assert found(driver) == ["Person 1 16 of 17 points"]
            slide(driver, "threshold", 0.95)
            assert pixel(driver, 72, 240) == [255, 255, 255]
            assert found(driver) == ["Person 1 0 of 17 points"]
            assert errors_of(driver) == []

    def test_classes_of_pixels(self, driver, picture):
        with running(Canned("segmentation")) as address:
            open_page(driver, address)
            drop(driver, picture)
            slide(driver, "opacity", 1)
            assert pixel(driver, 320, 120) == [200, 0, 0]
            assert pixel(driver, 320, 360) == [0, 0, 200]
            slide(driver, "opacity", 0)
            assert pixel(driver, 320, 120) == [255, 255, 255]
            assert found(driver) == ["sky 50 %", "road 50 %"]

    def test_objects(self, driver, picture):
        with running(Canned("detection")) as address:
            open_page(driver, address)
            drop(driver, picture)
            slide(driver, "opacity", 1)
            inside, outside = pixel(driver, 160, 240), pixel(driver, 300, 240)
            assert inside != outside == [255, 255, 255]
            assert found(driver) == ["cube 90 %", "ball 40 %"]
            slide(driver, "threshold", 0.5)
            assert found(driver) == ["cube 90 %"]

    def test_classes(self, driver, picture):
        with running(Canned("classification")) as address:
            open_page(driver, address)
            drop(driver, picture)
            assert found(driver) == ["cat 70 %", "dog 25 %"]


def test_the_json_is_downloaded(driver, picture, downloads):
    with running(Canned("classification")) as address:
        open_page(driver, address)
        drop(driver, picture)
        driver.find_element("id", "download").click()
        path = downloads / "small_classes.json"
        wait(path.is_file)
    content = json.loads(path.read_text())
    assert content["classes"] == RESULTS["classification"]["classes"]


def test_boxes_are_dragged(driver, picture):
    from selenium.webdriver.common.action_chains import ActionChains

    engine = Canned("pose")
    with running(engine) as address:
        open_page(driver, address)
        drop(driver, picture)
        driver.execute_script("window.hrnet.result = null")
        canvas = driver.find_element("id", "picture")
        # From a fourth of the picture to its middle.
        width, height = canvas.size["width"], canvas.size["height"]
        drag = ActionChains(driver)
        drag.move_to_element_with_offset(canvas, -width / 4, -height / 4)
        drag.click_and_hold().move_by_offset(width / 4, height / 4).release().perform()
        wait(lambda: driver.execute_script("return window.hrnet.result"))
        assert engine.known[0]["boxes"] == [pytest.approx([160, 120, 160, 120], abs=3)]
        driver.find_element("id", "unbox").click()
        wait(lambda: engine.known[0] == {})


def test_the_camera(driver):
    with running(Canned("pose")) as address:
        open_page(driver, address)
        driver.find_element("id", "camera").click()
        result = wait(lambda: driver.execute_script("return window.hrnet.result"))
        assert result["width"] > 100
        driver.find_element("id", "camera").click()


def test_a_token_is_asked_for(driver, picture):
    with running(Canned("pose"), token="secret") as address:
        driver.get(address)
        entry = driver.find_element("id", "token")
        wait(entry.is_displayed)
        entry.send_keys("secret\n")
        wait(lambda: driver.execute_script("return window.hrnet?.model"))
        assert drop(driver, picture)["people"]


def test_what_is_no_picture_is_told(driver, tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no picture")
    with running(Canned("pose")) as address:
        open_page(driver, address)
        driver.find_element("id", "file").send_keys(str(path))
        status = driver.find_element("id", "status")
        wait(lambda: "no picture" in status.text)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The folder where npm installed LiteRT for browsers."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("web")
    install = ["npm", "install", "--no-audit", "--no-fund", "@litertjs/core"]
    subprocess.run([*install, "--prefix", folder], check=True, cwd=folder)
    return folder


def found_by_the_page(driver, path, scripts, picture, boxes=()):
    """What the page finds in a picture when the server is no longer there."""
    from hrnet_tf.export import load_exported
    from hrnet_tf.serving.engine import Engine
    from hrnet_tf.serving.page import LocalModel

    local = LocalModel.load(path, scripts)
    with running(Engine(load_exported(path), path), local=local) as address:
        open_page(driver, f"{address}/?local")
        ready = "return Boolean(window.hrnet.local)"
        wait(lambda: driver.execute_script(ready), 120)
        drop(driver, picture)
        address.server.should_exit = True
        address.thread.join(30)
        return driver.execute_async_script(
            "const done = arguments[1];"
            "window.hrnet.local(window.hrnet.image, arguments[0]).then("
            "(found) => done({...found, labels: Array.from(found.labels ?? [])}))",
            list(boxes),
        )


@pytest.fixture
def drawn(tmp_path):
    """The path of a picture of 150x200 that is drawn."""
    from hrnet_tf.serving.examples import drawn_image

    path = tmp_path / "drawn.png"
    Image.fromarray(drawn_image((150, 200))).save(path)
    return path


class TestThePageItselfGivesWhatPythonGives:
    def test_keypoints(self, driver, scripts, drawn, tmp_path):
        from litert_files import export_pose

        from hrnet_tf.predict import Predictor

        path = export_pose(tmp_path / "pose.tflite")
        boxes = [[20, 10, 100, 130], [120.5, 30, 90, 100]]
        expected = Predictor.load(path).predict(str(drawn), boxes=boxes)
        result = found_by_the_page(driver, path, scripts, drawn, boxes)
        points = np.array([person["keypoints"] for person in result["people"]])
        np.testing.assert_allclose(points[..., :2], expected.xy, atol=0.01)
        # Of an untrained network up to 30; a grey level in a crop may be rounded
        # otherwise.
        scores = points[..., 2]
        np.testing.assert_allclose(scores, expected.scores, rtol=1e-3, atol=1e-3)

    def test_classes_of_pixels(self, driver, scripts, drawn, tmp_path):
        from segmenters import make_segmenter

        import hrnet_tf
        from hrnet_tf.predict import Predictor

        path = tmp_path / "shapes.tflite"
        hrnet_tf.export_litert(make_segmenter(), path, image_size=(64, 96))
        expected = Predictor.load(path).predict(str(drawn))
        result = found_by_the_page(driver, path, scripts, drawn)
        labels = np.array(result["labels"]).reshape(150, 200)
        # Where two classes are as likely, a grey level that is rounded otherwise
        # decides.
        assert (labels == expected.labels).mean() > 0.995
        assert len(expected.shares) > 1 and result["shares"] == pytest.approx(
            expected.shares, abs=0.005
        )

    def test_classes(self, driver, scripts, drawn):
        from hrnet_tf.predict import Predictor
        from hrnet_tf.starters import starter

        path = starter("classification", "litert")
        expected = Predictor.load(path).predict(str(drawn), top_k=5)
        result = found_by_the_page(driver, path, scripts, drawn)
        found = [(row["label"], row["name"]) for row in result["classes"]]
        names = map(str, expected.names)
        assert found == list(zip(expected.labels.tolist(), names, strict=True))
        shares = [row["probability"] for row in result["classes"]]
        np.testing.assert_allclose(shares, expected.probabilities, atol=1e-3)
