"""`hrnet presets`."""

import re

from command_line import fail, run


class TestPresets:
    def test_lists_the_sizes(self):
        from hrnet_tf.models.presets import ARCHITECTURES

        text = run("presets", COLUMNS="80").out
        assert all(name in text for name in ARCHITECTURES)
        assert "128,059,944" in text and "…" not in text
        assert re.search(r"hrnet_w32 +│ 32 64 128 256 +│ 1 4 3", text)
        assert re.search(
            r"hrnet_w32 .*COCO 17 .*256x192 .*28,536,113 │ +7.65$", text, re.M
        )
        assert re.search(
            r"hrnet_w48 .*LIP 20 .*473x473 .*65,860,100 │ +81.58$", text, re.M
        )

    def test_shows_one_task(self):
        text = run("presets", "--task", "landmarks", COLUMNS="80").out
        assert "HRNetLandmarks" in text and "9,662,528" in text
        assert "HRNetPose" not in text and "stream widths" not in text
        assert "bottom-up pose, landmarks" in fail("presets", "--task", "faces")

    def test_lists_the_published_weights(self):
        text = run("presets", "--weights", "--task", "pose", COLUMNS="120").out
        assert re.search(r"hrnet_w32_coco_256x192 +│ HRNetPose +│ .*AP", text)
        assert "HRNetSegmenter" not in text
