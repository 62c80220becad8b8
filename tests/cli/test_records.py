"""`hrnet records`."""

import re
import shutil

from command_line import fail, run


class TestRecords:
    def test_writes_refuses_and_replaces(self, people, tmp_path):
        from hrnet_tf.data.shards import open_pose_records

        out = tmp_path / "records"
        command = ["records", *people, "--out", out]
        assert re.search(r"images +4\n", run(*command, "--num-shards", 2).out)
        assert len(open_pose_records(out).paths) == 2
        assert "--overwrite" in fail(*command)
        run(*command, "--num-shards", 1, "--overwrite")
        assert len(open_pose_records(out).paths) == 1
        assert list(tmp_path.iterdir()) == [out]

    def test_keeps_the_old_records_if_the_new_ones_fail(
        self, people, drawn_people, tmp_path
    ):
        out, images = tmp_path / "records", tmp_path / "images"
        shutil.copytree(drawn_people / "val2017", images)
        run("records", *people, "--out", out)
        before = sorted(path.name for path in out.iterdir())
        broken = min(images.iterdir())
        content = bytearray(broken.read_bytes())
        content[400:-2] = bytes(len(content) - 402)
        broken.write_bytes(content)
        command = ["records", *people[:2], "--images", images, "--out", out]
        assert broken.name in fail(*command, "--overwrite")
        assert sorted(path.name for path in out.iterdir()) == before
        result = run(*command, "--overwrite", "--skip-bad")
        assert result.err.startswith("warning: ") and broken.name in result.err
        assert re.search(r"images +3\n", result.out)
        # Releases of Pillow differ in whether its header can be read.
        assert "skipped" in result.out or "skipped 1 bad" in result.err

    def test_never_removes_other_files(self, people, tmp_path):
        (tmp_path / "thesis.txt").write_text("all of it")
        command = ["records", *people, "--out", tmp_path, "--overwrite"]
        assert "thesis.txt" in fail(*command)
        assert (tmp_path / "thesis.txt").exists()
