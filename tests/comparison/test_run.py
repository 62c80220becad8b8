"""A comparison of tiny networks on drawn people, from the command to the plot."""

import csv
import json

import pytest
from command_line import fail, run
from rich.console import Console

from hrnet_tf.cli import compare as command
from hrnet_tf.comparison import run as comparison_run
from hrnet_tf.comparison.report import Member, table_of, write_report
from hrnet_tf.comparison.run import Budget, compare, folder_name
from hrnet_tf.io import write_json
from hrnet_tf.launch.preemption import Preempted

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

    @pytest.mark.parametrize("score", [0.0, 1.0])
    def test_the_score_has_the_name_of_its_test(self, score):
        """Whatever else is as large by chance: the epoch, the loss, other numbers."""
        row = {"epoch": int(score), "loss": score, "tags_loss": score, "seconds": 9.0}
        row |= {"AR": score, "AP": score, "score": score, "learning_rate": score}
        assert Member.of(FACTS, [row], "AP").score_name == "AP"
        assert Member.of(FACTS, [row]).score_name == "AR"
        # Who only went on with a finished run has tested nothing.
        assert Member.of(FACTS, HISTORY, "score").score_name == "AP"
        assert Member.of(FACTS, HISTORY[:1], "score").score_name == "score"

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
    nan, endless = {"minutes": float("nan")}, {"minutes": float("inf")}
    for wrong in ({}, {"epochs": 1, "minutes": 2.0}, {"minutes": 0.0}, nan, endless):
        with pytest.raises(ValueError, match="one budget, epochs or minutes"):
            Budget(**wrong)


def test_folders_have_plain_names():
    assert folder_name("hrnet_w32:exchanges=final") == "hrnet_w32_exchanges_final"


class TestProcesses:
    """What becomes of a network's process, with small ones in its place."""

    @pytest.fixture
    def work(self, monkeypatch, tmp_path):
        def do(code):
            monkeypatch.setattr(comparison_run, "_START", f"import os, sys; {code}")
            answer = tmp_path / "answer.json"
            return comparison_run._in_a_process("describe", {}, answer, "net")

        return do

    def test_one_that_the_system_kills_is_not_the_user_who_stops(self, work):
        with pytest.raises(ValueError, match="net: killed by.*SIGKILL.*memory"):
            work("os.kill(os.getpid(), 9)")
        with pytest.raises(ValueError, match=r"killed by the signal 6 \(SIGABRT\)\.$"):
            work("os.abort()")

    def test_one_that_ends_badly_is_named(self, work):
        with pytest.raises(ValueError, match="net: stopped with exit code 3"):
            work("sys.exit(3)")
        with pytest.raises(ValueError, match="net: stopped with exit code 0"):
            work("pass")

    def test_interrupts_and_preemption_are_passed_on(self, work):
        with pytest.raises(KeyboardInterrupt):
            work("sys.exit(130)")
        with pytest.raises(KeyboardInterrupt):
            work("import signal as s; s.signal(2, s.SIG_DFL); os.kill(os.getpid(), 2)")
        with pytest.raises(Preempted, match="net.*The same command goes on"):
            work("sys.exit(75)")

    def test_preemption_reaches_it(self, work):
        # SIGTERM to this process, which hands it on: else the sleep would end it.
        code = "os.kill(os.getppid(), 15); import time; time.sleep(20)"
        with pytest.raises(Preempted, match="net: stopped by SIGTERM"):
            work(code)


class TestOtherSettings:
    @pytest.fixture
    def trained(self, monkeypatch, tmp_path):
        trained = []

        def work(kind, arguments, answer, what):
            if kind == "describe":
                write_json(answer, [FACTS])
                return
            trained.append((arguments["recipe"], arguments["arguments"]))
            found = {"best": 0.25, "history": HISTORY, "main_name": "AP"}
            write_json(answer, found)

        monkeypatch.setattr(comparison_run, "_in_a_process", work)

        def do(recipe="one", epochs=2, **arguments):
            console = Console(quiet=True)
            given = {"data_dir": "d", **arguments}
            compare(recipe, ["a"], tmp_path, Budget(epochs), console, given)
            return trained

        return do

    def test_the_same_ones_train_once(self, trained):
        trained()
        assert trained() == [("one", {"data_dir": "d", "epochs": 2})]

    @pytest.mark.parametrize(
        ("other", "said"),
        [
            ({"recipe": "two"}, "recipe one, now two"),
            ({"epochs": 3}, "epochs 2, now 3"),
            ({"batch_size": 4}, "batch_size None, now 4"),
        ],
    )
    def test_no_network_is_taken_from_another_training(self, trained, other, said):
        trained()
        with pytest.raises(ValueError, match=f"by other settings: {said}.*`out`"):
            trained(**other)
        assert len(trained()) == 1


class TestWhatIsCompared:
    """What would mix networks up, or be passed over, is refused."""

    @pytest.fixture
    def work(self, monkeypatch, tmp_path):
        def work(kind, arguments, answer, what):
            found = {"best": 0.25, "history": HISTORY}
            if kind == "describe":
                found = [{**FACTS, "preset": name} for name in arguments["presets"]]
            write_json(answer, found)

        monkeypatch.setattr(comparison_run, "_in_a_process", work)

        def do(*presets, recipe="one", out=tmp_path / "out", **arguments):
            console = Console(quiet=True)
            return compare(recipe, presets, out, Budget(2), console, arguments)

        return do

    def test_networks_have_folders_of_their_own(self, work):
        for same in (("net", "net"), ("net:a=1", "net_a_1"), ()):
            with pytest.raises(ValueError, match="have different names. Received"):
                work(*same)
        (member,) = work("net:a=1")
        assert member.preset == "net:a=1"
        with pytest.raises(ValueError, match="preset net:a=1, now net_a_1"):
            work("net_a_1")
        # With more networks it goes on.
        assert [m.preset for m in work("other", "net:a=1")] == ["other", "net:a=1"]

    def test_a_recipe_that_was_changed_is_another_one(self, work, tmp_path):
        path = tmp_path / "mine.py"
        path.write_text("def recipe(preset): ...\n")
        for recipe in (path, path / "small"):
            work("net", recipe=str(recipe), out=tmp_path / f"of_{recipe.name}")
        path.write_text("def recipe(preset, side=1): ...\n")
        for recipe in (path, path / "small"):
            with pytest.raises(ValueError, match="text of the recipe .*, now "):
                work("net", recipe=str(recipe), out=tmp_path / f"of_{recipe.name}")

    def test_the_others_are_compared_where_one_fails(self, work, tmp_path, capsys):
        in_a_process = comparison_run._in_a_process

        def breaks(kind, arguments, answer, what):
            if kind == "train_member" and what in broken:
                raise comparison_run._NetworkFailed(f"{what}: stopped by the [test].")
            in_a_process(kind, arguments, answer, what)

        comparison_run._in_a_process = breaks
        broken = {"one", "two"}
        match = r"2 of 3 networks could not .*one: .*\[test\]. two: .*others are in"
        with pytest.raises(ValueError, match=match):
            work("one", "two", "three")
        written = json.loads((tmp_path / "out" / "comparison.json").read_text())
        assert [network["preset"] for network in written["networks"]] == ["three"]
        broken.remove("one")
        with pytest.raises(ValueError, match="1 of 3 networks .*two: "):
            work("one", "two", "three")
        broken.clear()
        assert len(work("one", "two", "three")) == 3

    def test_settings_are_wrong_for_all_of_them(self, work):
        work("two")
        with pytest.raises(ValueError, match="two holds .*batch_size None, now 4"):
            work("two", "one", batch_size=4)

    @pytest.mark.parametrize("name", ["epochs", "preset"])
    def test_arguments_do_not_contradict_the_comparison(self, work, name):
        with pytest.raises(ValueError, match=f"Received: {name} among the recipe's"):
            work("net", **{name: 3})


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


def test_a_recipe_may_say_itself_where_its_data_are(tmp_path):
    """As those do that `hrnet train TASK --data DATA` writes."""
    path = tmp_path / "own.py"
    path.write_text("def recipe(data='mine', preset='x', epochs=1): ...\n")
    command._check_data_dir(path, None)
    with pytest.raises(ValueError, match="Pass --data-dir.* recipe camvid"):
        command._check_data_dir("camvid", None)


def test_what_is_wrong_shows_at_once():
    text = fail("compare", "--task", "faces", "--epochs", "1")
    assert "for these tasks: pose, segmentation" in text
    assert "needs one budget" in fail("compare", "--task", "pose")
    text = fail("compare", "--task", "pose", "--epochs", "1", "--recipe", "coco_pose")
    assert "Pass --data-dir" in text
