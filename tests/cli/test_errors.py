"""What the commands say of what goes wrong, and how they end."""

import json

import pytest
from command_line import fail, run

from hrnet_tf.launch.peer_lost import PeerLost


class TestErrors:
    RECORDS = ("records", "--images", "x", "--out", "y", "--annotations")

    def test_are_a_line_without_a_traceback(self):
        error = fail(*self.RECORDS, "[red]absent.json")
        assert "no annotation file [red]absent.json" in error

    @pytest.mark.parametrize("how", [{"HRNET_DEBUG": "1"}, {}])
    def test_show_the_traceback_for_debugging(self, how):
        flags = () if how else ("--debug",)
        result = run(*self.RECORDS, "absent.json", *flags, exit_code=1, **how)
        assert result.err.startswith("Traceback")
        assert "ValueError: " in result.err.splitlines()[-1]

    def test_of_other_packages_lead_to_the_traceback(self, monkeypatch):
        monkeypatch.setattr("hrnet_tf.demo.run_demo", lambda *_, **__: json.loads("{"))
        assert "Pass --debug" in fail("demo")

    def test_of_the_system_are_a_line_too(self, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device", "demo/data")

        monkeypatch.setattr("hrnet_tf.demo.run_demo", full)
        text = "demo/data could not be written: No space left on device. Make room"
        assert text in fail("demo")

    def test_bugs_keep_their_traceback(self, monkeypatch):
        monkeypatch.setattr("hrnet_tf.demo.run_demo", lambda *_, **__: 1 / 0)
        lines = run("demo", exit_code=70).err.splitlines()
        assert lines[0].startswith("Traceback")
        assert lines[-1] == "ZeroDivisionError: division by zero"

    @pytest.mark.parametrize("flags", [(), ("--debug",)])
    def test_may_have_an_exit_code(self, monkeypatch, flags):
        def lose(*_, **__):
            raise PeerLost("Another worker is gone.")

        monkeypatch.setattr("hrnet_tf.demo.run_demo", lose)
        error = run("demo", *flags, exit_code=69).err
        assert "Another worker is gone." in error
        assert ("Traceback" in error) == bool(flags)

    @pytest.mark.parametrize("command", ["predict", "evaluate", "export", "serve"])
    def test_name_the_model_that_may_be_meant(self, command, tmp_path):
        (tmp_path / "best.keras").touch()
        absent = tmp_path / "bets.keras"
        arguments = {
            "predict": ["--model", absent, "--out", tmp_path, tmp_path / "photo.gif"],
            "evaluate": ["--model", absent, "--images", tmp_path],
            "export": ["--model", absent, "--out", tmp_path],
            "serve": [absent],
        }[command]
        (tmp_path / "photo.gif").touch()
        error = fail(command, *arguments)
        assert f"no model file {absent}. Did you mean {tmp_path}/best.keras?" in error
        assert ("people_pose" in error) == (command in ("predict", "serve"))

    def test_stopping_is_no_error(self, monkeypatch):
        def stop(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("hrnet_tf.demo.run_demo", stop)
        said = run("demo", exit_code=130).err
        assert said.startswith("\nStopped. Run the same command again to go on")
