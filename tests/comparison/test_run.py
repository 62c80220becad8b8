"""A comparison of tiny networks on drawn people, from the command to the plot."""

import csv
import json

import pytest
from command_line import fail, run

from hrnet_tf.comparison.report import Member, table_of, write_report
from hrnet_tf.comparison.run import Budget, folder_name

FACTS = {"preset": "a", "model": "A", "parameters": 1200, "multiply_adds": 10**8}
HISTORY = [
    {"epoch": 1, "loss": 2.0, "seconds": 30.0, "images_per_second": 5.0},
    {
        "epoch": 2,
        "loss": 1.0,
        "AP": 0.25,
        "AR": 0.3,
        "score": 0.25,
        "seconds": 30.0,
        "images_per_second": 7.0,
        "memory_mb": 1500.0,
    },
]


class TestReport:
    def test_a_member_is_made_of_its_history(self):
        member = Member.of(FACTS, HISTORY)
        assert (member.score_name, member.score, member.epochs) == ("AP", 0.25, 2)
        assert member.minutes == 1.0 and member.curve == [[1.0, 0.25]]
        assert member.memory == 1.5e9 and member.images_per_second == 7.0

    def test_the_best_comes_first_and_those_without_a_test_last(self, tmp_path):
        members = [
            Member.of({**FACTS, "preset": "untested"}, HISTORY[:1]),
            Member.of(FACTS, HISTORY),
            Member.of(
                {**FACTS, "preset": "b"}, [{**HISTORY[1], "AP": 0.5, "score": 0.5}]
            ),
        ]
        table = table_of(members[1:] + members[:1], "2 epochs")
        assert [row[0] for row in table.rows] == ["b", "a", "untested"]
        assert table.columns[2] == "AP" and table.rows[2][2] == "-"
        write_report(members[1:], tmp_path, "2 epochs", "drawn people")
        with open(tmp_path / "comparison.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["network"] for row in rows] == ["b", "a"]
        assert rows[0]["AP"] == "0.500" and rows[0]["parameters"] == "1,200"
        assert "| b | A | 0.500 |" in (tmp_path / "comparison.md").read_text()
        content = json.loads((tmp_path / "comparison.json").read_text())
        assert content["budget"] == "2 epochs"
        assert (tmp_path / "comparison.png").stat().st_size > 5000


def test_a_budget_is_one_of_two():
    assert str(Budget(epochs=1)) == "1 epoch"
    assert str(Budget(minutes=2.5)) == "2.5 minutes of training"
    for wrong in ({}, {"epochs": 1, "minutes": 2.0}, {"minutes": 0.0}):
        with pytest.raises(ValueError, match="one budget, epochs or minutes"):
            Budget(**wrong)


def test_folders_have_plain_names():
    assert folder_name("hrnet_w32:exchanges=final") == "hrnet_w32_exchanges_final"


@pytest.mark.slow
def test_compare(people_dir, tmp_path):
    out = tmp_path / "out"
    command = (
        *("compare", "--task", "pose", "--data-dir", people_dir, "--out", out),
        *("--system", "hrnet_test", "--system", "hrnet_test:exchanges=final"),
        *("--batch-size", "4", "--epochs", "1"),
    )
    text = run(*command).out
    assert "After 1 epoch each" in text
    content = json.loads((out / "comparison.json").read_text())
    first, second = content["networks"]
    assert first["parameters"] > second["parameters"] > 0
    assert first["multiply_adds"] > second["multiply_adds"] > 0
    assert first["score_name"] == "AP" and first["memory"] > 1e8
    # Once more, nothing is trained: the tests would take other times.
    run(*command)
    assert json.loads((out / "comparison.json").read_text()) == content


@pytest.mark.slow
def test_minutes_are_turned_into_epochs(people_dir, tmp_path):
    out = tmp_path / "out"
    run(
        *("compare", "--task", "segmentation", "--data-dir", people_dir),
        *("--out", out, "--system", "hrnet_test", "--system", "unet_small:depth=2"),
        *("--batch-size", "2", "--minutes", "0.001"),
    )
    content = json.loads((out / "comparison.json").read_text())
    assert [network["epochs"] for network in content["networks"]] == [1, 1]
    assert content["networks"][1]["model"] == "UNetSegmenter"


def test_what_is_wrong_shows_at_once():
    text = fail("compare", "--task", "faces", "--epochs", "1")
    assert "for these tasks: pose, segmentation" in text
    assert "needs one budget" in fail("compare", "--task", "pose")
    text = fail("compare", "--task", "pose", "--epochs", "1", "--recipe", "coco_pose")
    assert "Pass --data-dir" in text
