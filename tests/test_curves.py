"""Curves of training runs from logs, and what is no log."""

import pytest
from PIL import Image

from hrnet_tf.curves import plot_history


class TestPlotHistory:
    def size(self, path):
        with Image.open(path) as file:
            return file.size

    def test_csv_with_gaps(self, tmp_path):
        log = tmp_path / "log.csv"
        log.write_text(
            "epoch,loss,val_loss,AP,PCKh,learning_rate,note\n"
            "0,0.9,,,,0.001,warm\n1,0.5,0.6,0.1,12.5,0.001,\n2,0.01,NA,,,0.0001,\n"
        )
        plot_history(log, tmp_path / "curves" / "log.png")
        width, height = self.size(tmp_path / "curves" / "log.png")
        assert width > 4 * height

    def test_keras_history(self, tmp_path):
        path = tmp_path / "history.png"
        plot_history({"loss": [3.0, 2.0], "val_loss": [3.0, 2.5]}, path)
        width, height = self.size(path)
        assert width < 2 * height
        assert list(tmp_path.iterdir()) == [path]

    def test_errors(self, tmp_path):
        with pytest.raises(ValueError, match="none.csv cannot be read"):
            plot_history(tmp_path / "none.csv", tmp_path / "a.png")
        (tmp_path / "empty.csv").write_text("epoch,loss\n")
        with pytest.raises(ValueError, match="empty.csv has nothing to plot"):
            plot_history(tmp_path / "empty.csv", tmp_path / "a.png")
        with pytest.raises(ValueError, match="'loss': 2, 'AP': 1"):
            plot_history({"loss": [1, 2], "AP": [1]}, tmp_path / "a.png")
        assert not (tmp_path / "a.png").exists()
