import numpy as np
import pytest

from hrnet_tf.metrics import miou


def by_hand(labels, predictions, count):
    """The official numbers, class by class."""
    counted = labels != 255
    ious, accuracies = [], []
    for c in range(count):
        gt, pred = (labels == c) & counted, (predictions == c) & counted
        both = (gt & pred).sum()
        ious.append(both / max(gt.sum() + pred.sum() - both, 1))
        accuracies.append(both / max(gt.sum(), 1))
    right = (labels == predictions)[counted].mean()
    return np.array(ious), np.array(accuracies), right


@pytest.mark.parametrize("count", [2, 11, 171])
def test_equals_a_direct_computation(count):
    rng = np.random.default_rng(count)
    labels = rng.integers(0, count, (3, 40, 50)).astype(np.uint8)
    predictions = np.where(
        rng.random(labels.shape) < 0.6, labels, rng.integers(0, count, labels.shape)
    ).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.1] = 255
    found = miou.scores(miou.confusion_matrix(labels, predictions, count))
    ious, accuracies, right = by_hand(labels, predictions, count)
    np.testing.assert_allclose(found.iou, ious, atol=1e-12)
    np.testing.assert_allclose(found.accuracy, accuracies, atol=1e-12)
    assert found.mean_iou == pytest.approx(ious.mean(), abs=1e-12)
    assert found.mean_accuracy == pytest.approx(accuracies.mean(), abs=1e-12)
    assert found.pixel_accuracy == pytest.approx(right, abs=1e-12)
    assert found.absent == ()


def test_rows_are_the_labelled_classes():
    labels = np.array([[0, 0, 1, 255]], np.uint8)
    predictions = np.array([[0, 1, 1, 2]], np.uint8)
    matrix = miou.confusion_matrix(labels, predictions, 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert matrix.dtype == np.int64


def test_absent_classes_count_as_zero_and_are_named():
    # Class 1 is only predicted, class 3 nowhere.
    matrix = np.array([[6, 2, 0, 0], [0, 0, 0, 0], [0, 0, 4, 0], [0, 0, 0, 0]])
    found = miou.scores(matrix)
    assert found.iou.tolist() == [0.75, 0, 1, 0]
    assert found.mean_iou == pytest.approx(1.75 / 4)
    assert found.mean_iou_present == pytest.approx(1.75 / 2)
    assert found.mean_accuracy == pytest.approx(1.75 / 4)
    assert found.pixel_accuracy == pytest.approx(10 / 12)
    assert found.absent == (3,)


def test_wrong_arguments():
    labels = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"labels \(2, 3\), predictions \(3, 2\)"):
        miou.confusion_matrix(labels, labels.T, 2)
    with pytest.raises(ValueError, match=r"labels hold 7, .* the 3 classes 0\.\.2"):
        miou.confusion_matrix(labels + 7, labels, 3)
    with pytest.raises(ValueError, match="predictions hold 255"):
        miou.confusion_matrix(labels, labels + 255, 3)
    with pytest.raises(ValueError, match="No labelled pixel was counted"):
        miou.scores(miou.confusion_matrix(labels + 255, labels, 3))
    with pytest.raises(ValueError, match=r"Received the shape \(2, 3\)"):
        miou.scores(np.ones((2, 3)))
