"""The example of the docs that runs a LiteRT file without this package."""

import subprocess
import sys

import numpy as np
import pytest
from doc_blocks import ROOT, read_blocks
from PIL import Image

from hrnet_tf.serving.examples import drawn_image


@pytest.mark.slow
def test_the_example_prints_what_the_predictor_finds(tmp_path):
    from litert_files import export_pose

    from hrnet_tf.predict import Predictor

    (block,) = [
        block
        for block in read_blocks(ROOT / "docs" / "serving.md")
        if block.what == "keypoints.py"
    ]
    assert len([line for line in block.text.splitlines() if line]) <= 30
    script, picture = tmp_path / "keypoints.py", tmp_path / "drawn.png"
    script.write_text(
        "import sys\n"
        "sys.modules.update({'tensorflow': None, 'hrnet_tf': None, 'keras': None})\n"
        + block.text
    )
    Image.fromarray(drawn_image((150, 200))).save(picture)
    path = export_pose(tmp_path / "pose.tflite")
    expected = Predictor.load(path).predict(str(picture), boxes=[[20, 10, 100, 130]])
    command = [sys.executable, script, path, picture, *"20 10 100 130".split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0][0] == "nose"
    found = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(found[:, :2], expected.xy[0], atol=0.02)
    np.testing.assert_allclose(found[:, 2], expected.scores[0], atol=1e-3)
