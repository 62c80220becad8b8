"""Curves of training runs from logs, and what is no log."""

import numpy as np
import pytest
from PIL import Image

from hrnet_tf.pictures.plots import plot_class_scores, plot_confusion, plot_history


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

    @pytest.fixture
    def axes(self, monkeypatch):
        """The axes that are drawn, by their titles."""
        drawn = {}

        def write(figure, path):
            drawn.update({axes.get_title(): axes for axes in figure.axes})

        monkeypatch.setattr("hrnet_tf.pictures.plots.write_figure", write)
        return drawn

    def test_panels_share_their_epochs(self, axes):
        history = {"epoch": [1, 2, 3], "loss": [3, 2, 1], "AP": ["", "", 0.1]}
        plot_history(history, "curves.png")
        limits = {a.get_xlim() for a in axes.values()}
        assert list(axes) == ["Loss", "Score"] and len(limits) == 1
        assert 0 < limits.pop()[0] < 1

    def test_scores_of_nothing_are_left_out(self, axes):
        plot_history({"AP": [0.1, 0.2], "AP (L)": [-1, -1], "AR .5": [-1, 1]}, "a.png")
        lines = {line.get_label(): line for line in axes["Score"].lines}
        assert set(lines) == {"AP", "AR .5"}
        np.testing.assert_array_equal(lines["AR .5"].get_ydata(), [1])

    @pytest.mark.parametrize("count", [8, 9, 26])
    def test_many_names_hide_no_curve(self, axes, count):
        scores = {f"mask_AP{k}": [k / 30, 0.9] for k in range(count)}
        plot_history({"loss": [3, 2], **scores}, "curves.png")
        figure = axes["Score"].figure
        figure.draw_without_rendering()
        panel, names = (
            box.get_window_extent()
            for box in (axes["Score"].patch, axes["Score"].get_legend())
        )
        assert (names.x0 >= panel.x1) == (count > 8)
        assert names.x1 <= figure.bbox.width and names.y0 >= 0
        looks = {(x.get_color(), x.get_linestyle()) for x in axes["Score"].lines}
        assert len(looks) == count

    def test_errors(self, tmp_path):
        with pytest.raises(ValueError, match="none.csv cannot be read"):
            plot_history(tmp_path / "none.csv", tmp_path / "a.png")
        (tmp_path / "empty.csv").write_text("epoch,loss\n")
        with pytest.raises(ValueError, match="empty.csv has nothing to plot"):
            plot_history(tmp_path / "empty.csv", tmp_path / "a.png")
        with pytest.raises(ValueError, match="'loss': 2, 'AP': 1"):
            plot_history({"loss": [1, 2], "AP": [1]}, tmp_path / "a.png")
        assert not (tmp_path / "a.png").exists()


def pixels(path):
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


class TestPlotConfusion:
    def test_rows_are_shares_of_the_labelled_class(self, tmp_path):
        # Ten times the pixels of a class change nothing.
        counts = np.array([[3, 1], [2, 2]])
        plot_confusion(counts, ("a", "b"), tmp_path / "few.png")
        plot_confusion(counts * [[10], [1]], ("a", "b"), tmp_path / "many.png")
        plot_confusion(counts.T, ("a", "b"), tmp_path / "other.png")
        few = pixels(tmp_path / "few.png")
        np.testing.assert_array_equal(few, pixels(tmp_path / "many.png"))
        assert (few != pixels(tmp_path / "other.png")).any()

    @pytest.mark.parametrize(("count", "limit"), [(1, 700), (11, 1100), (171, 4000)])
    def test_any_number_of_classes(self, tmp_path, count, limit):
        names = [f"class {i}" for i in range(count)]
        plot_confusion(np.eye(count), names, tmp_path / "matrix.png")
        size = pixels(tmp_path / "matrix.png").shape
        assert max(size) < limit
        # Room for each name.
        assert min(size[:2]) > 13 * count

    @pytest.mark.slow
    def test_a_thousand_classes_stay_of_a_size(self, tmp_path):
        plot_confusion(np.eye(1000), None, tmp_path / "matrix.png")
        assert max(pixels(tmp_path / "matrix.png").shape) < 4000

    def test_rows_without_a_count_are_grey(self, tmp_path):
        plot_confusion([[0, 0], [0, 4]], None, tmp_path / "matrix.png")
        grey = (pixels(tmp_path / "matrix.png") == 217).all(-1).mean()
        assert 0.01 < grey < 0.5

    def test_wrong_matrices(self, tmp_path):
        with pytest.raises(ValueError, match=r"shape \(2, 3\) and 2 names"):
            plot_confusion(np.ones((2, 3)), None, tmp_path / "matrix.png")
        with pytest.raises(ValueError, match=r"shape \(2, 2\) and 1 names"):
            plot_confusion(np.ones((2, 2)), ("a",), tmp_path / "matrix.png")


class TestPlotClassScores:
    @pytest.mark.parametrize(("count", "columns"), [(1, 1), (60, 1), (61, 2), (171, 3)])
    def test_columns(self, tmp_path, count, columns):
        scores = {f"class {i}": i / count for i in range(count)}
        plot_class_scores(scores, tmp_path / "bars.png", mean=0.5)
        height, width, _ = pixels(tmp_path / "bars.png").shape
        # Releases of Matplotlib round differently.
        assert abs(width - 576 * columns) <= 1
        assert height < 2000

    def test_the_order_given_does_not_matter(self, tmp_path):
        plot_class_scores({"a": 0.2, "b": 0.9}, tmp_path / "one.png")
        plot_class_scores({"b": 0.9, "a": 0.2}, tmp_path / "other.png")
        np.testing.assert_array_equal(
            pixels(tmp_path / "one.png"), pixels(tmp_path / "other.png")
        )

    def test_nothing_to_plot(self, tmp_path):
        with pytest.raises(ValueError, match="There is no class to plot"):
            plot_class_scores({}, tmp_path / "bars.png")
