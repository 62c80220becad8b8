"""Several local processes: together they start, stop, and start again."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hrnet_tf.launch import exit_codes
from hrnet_tf.launch.supervisor import Supervisor, _shared_gpus

# Workers note that they start, and know how often they did before.
START = """
import json, os, signal, sys, time
from pathlib import Path
task = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {"index": 0})
index = task["index"]
Path(f"pid-{index}.txt").write_text(str(os.getpid()))
notes = Path(f"started-{index}.txt")
with open(notes, "a") as file:
    file.write(os.environ.get("TF_CONFIG", "none") + "\\n")
attempt = len(notes.read_text().splitlines())
def until_started(other):
    # One that is stopped before it notes its start would be missing from the counts.
    notes = Path(f"started-{other}.txt")
    while not notes.exists() or notes.read_text().count("\\n") < attempt:
        time.sleep(0.01)
def until_gone(other):
    # The number of a process is taken until its end was read by the supervisor.
    until_started(other)
    pid = int(Path(f"pid-{other}.txt").read_text())
    try:
        while True:
            os.kill(pid, 0)
            time.sleep(0.01)
    except ProcessLookupError:
        pass
def wait():
    time.sleep(60)
    sys.exit(99)
"""


class Case:
    """A supervisor of Python processes that run a few lines."""

    def __init__(self, folder, lines, **arguments):
        script = folder / "worker.py"
        script.write_text(START + textwrap.dedent(lines))
        self.folder = folder
        self.said = []
        self.supervisor = Supervisor(
            [sys.executable, str(script), "--overwrite"],
            folder,
            **{"say": self.said.append, "first_only": ["--overwrite"], **arguments},
        )

    def run(self):
        code = self.supervisor.run()
        # The code of no worker here.
        assert code != exit_codes.PREEMPTED, "this process itself got SIGTERM"
        return code

    def starts(self, index):
        """The TF_CONFIG of each start of a worker."""
        return (self.folder / f"started-{index}.txt").read_text().splitlines()


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return lambda lines, **arguments: Case(tmp_path, lines, **arguments)


class TestWorkers:
    def test_form_a_cluster(self, case):
        run = case("", num_workers=3)
        assert run.run() == 0 and run.said == []
        configs = [json.loads(run.starts(i)[0]) for i in range(3)]
        assert [c["task"] for c in configs] == [
            {"type": "worker", "index": i} for i in range(3)
        ]
        addresses = configs[0]["cluster"]["worker"]
        assert len(set(addresses)) == 3
        assert all(address.startswith("localhost:") for address in addresses)
        assert all(c["cluster"] == configs[0]["cluster"] for c in configs)

    def test_one_is_a_plain_process(self, case):
        run = case("")
        assert run.run() == 0
        assert run.starts(0) == ["none"]

    def test_but_the_first_write_logs(self, case, capfd):
        run = case("print('I am', index)", num_workers=2)
        assert run.run() == 0
        assert capfd.readouterr().out == "I am 0\n"
        assert (run.folder / "logs" / "worker-1.log").read_text() == "I am 1\n"
        assert not (run.folder / "logs" / "worker-0.log").exists()


class TestRestarts:
    def test_all_start_again_where_one_was_killed(self, case):
        run = case(
            """
            print("attempt", attempt, sys.argv[1:], flush=True)
            if attempt == 1:
                if index == 1:
                    until_started(0)
                    os.kill(os.getpid(), signal.SIGKILL)
                wait()
            """,
            num_workers=2,
            max_restarts=3,
        )
        began = time.monotonic()
        assert run.run() == 0
        assert time.monotonic() - began < 20
        log = run.folder / "logs" / "worker-1.log"
        assert run.said == [
            f"The last lines of {log}:\n  attempt 1 ['--overwrite']",
            "Worker 1 was killed by SIGKILL. All workers start again (restart 1 of 3).",
        ]
        # What removes an earlier run is not given again.
        assert log.read_text() == "attempt 1 ['--overwrite']\nattempt 2 []\n"
        assert len(run.starts(0)) == len(run.starts(1)) == 2
        # The ports of the first cluster may be in use still.
        assert run.starts(0)[0] != run.starts(0)[1]

    def test_end(self, case):
        run = case("sys.exit(7)", max_restarts=2)
        assert run.run() == 7
        assert len(run.starts(0)) == 3
        assert run.said == [
            "Worker 0 ended with exit code 7. It starts again (restart 1 of 2).",
            "Worker 0 ended with exit code 7. It starts again (restart 2 of 2).",
            "Worker 0 ended with exit code 7. All 2 restarts are used up.",
        ]

    def test_are_none_unless_asked_for(self, case):
        run = case("os.kill(os.getpid(), signal.SIGKILL)")
        assert run.run() == 128 + 9
        assert run.said == ["Worker 0 was killed by SIGKILL."]

    @pytest.mark.parametrize("code", [1, 2])
    def test_do_not_help_against_what_was_explained(self, case, code):
        run = case(f"sys.exit({code} if index else 0)", num_workers=2, max_restarts=3)
        assert run.run() == code
        assert len(run.starts(1)) == 1
        assert run.said[-1] == (
            f"Worker 1 ended with exit code {code}. A restart would not mend that."
        )

    def test_stop_at_what_a_restart_does_not_mend(self, case):
        run = case("sys.exit(70 if attempt == 1 else 1)", max_restarts=3)
        assert run.run() == 1
        assert run.said == [
            "Worker 0 ended with exit code 70. It starts again (restart 1 of 3).",
            "Worker 0 ended with exit code 1. A restart would not mend that.",
        ]

    @pytest.mark.parametrize("lost", ["sys.exit(69)", "os.abort()"])
    @pytest.mark.parametrize(
        ("cause", "code", "starts"),
        [
            ("sys.exit(1)", 1, 1),
            ("os.kill(os.getpid(), signal.SIGKILL)", 0, 2),
            ("sys.exit(69)", 0, 2),
        ],
    )
    def test_look_for_the_cause_of_a_loss(self, case, lost, cause, code, starts):
        run = case(
            f"""
            if attempt == 1:
                if index == 0:
                    {lost}
                # Its peer, which waited for it, may well be gone first.
                until_gone(0)
                {cause}
            """,
            num_workers=2,
            max_restarts=2,
        )
        assert run.run() == code
        assert len(run.starts(0)) == len(run.starts(1)) == starts
        if cause != "sys.exit(69)":
            assert run.said[-1].startswith("Worker 1 ")

    def test_with_other_ports_are_not_counted(self, case):
        run = case("sys.exit(71 if index and attempt < 3 else 0)", num_workers=2)
        assert run.run() == 0
        again = (
            "Worker 1 found its port in use. All workers start again, with other ports."
        )
        assert [text for text in run.said if "log" not in text] == [again] * 2
        assert len(set(run.starts(1))) == 3

    def test_with_other_ports_end(self, case):
        run = case("until_started(1 - index); sys.exit(71)", num_workers=2)
        assert run.run() == 71
        assert len(run.starts(0)) == 5

    def test_do_not_help_against_a_port_that_the_user_chose(self, case):
        run = case("sys.exit(71)", max_restarts=3)
        assert run.run() == 71
        assert len(run.starts(0)) == 1

    def test_do_not_wait_for_a_cause_for_ever(self, case):
        run = case(
            """
            if attempt == 1:
                if index == 0:
                    until_started(1)
                    sys.exit(69)
                wait()
            """,
            num_workers=2,
            max_restarts=1,
            grace_seconds=0.5,
        )
        assert run.run() == 0
        assert run.said == [
            "Worker 0 lost another worker. All workers start again (restart 1 of 1)."
        ]

    def test_kill_what_does_not_stop(self, case):
        run = case(
            """
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if index == 1:
                Path("pid").write_text(str(os.getpid()))
                wait()
            while not Path("pid").exists() or not Path("pid").read_text():
                time.sleep(0.01)
            sys.exit(5)
            """,
            num_workers=2,
            grace_seconds=0.3,
        )
        assert run.run() == 5
        with pytest.raises(ProcessLookupError):
            os.kill(int((run.folder / "pid").read_text()), 0)


SUPERVISE = """
import signal, sys
# What starts in the background of a shell ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from hrnet_tf.launch.supervisor import Supervisor
command = [sys.executable, "worker.py"]
supervisor = Supervisor(command, ".", int(sys.argv[1]), 3, grace_seconds=10)
sys.exit(supervisor.run())
"""
# Saves what a run would.
SAVING = """
def stop(number, frame):
    Path(f"saved-{index}").write_text(signal.Signals(number).name)
    sys.exit(75)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
Path(f"ready-{index}").touch()
wait()
"""


@pytest.mark.parametrize("num_workers", [1, 2])
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 75), ("SIGINT", 130)])
def test_signals_go_to_the_workers(tmp_path, num_workers, number, code):
    (tmp_path / "worker.py").write_text(START + SAVING)
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    environment.pop("TF_CONFIG", None)
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(num_workers)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    ready = [tmp_path / f"ready-{i}" for i in range(num_workers)]
    deadline = time.monotonic() + 60
    while not all(path.exists() for path in ready):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(getattr(signal, number))
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == code
    for i in range(num_workers):
        assert (tmp_path / f"saved-{i}").read_text() == number
        assert len((tmp_path / f"started-{i}.txt").read_text().splitlines()) == 1


class TestArguments:
    def test_a_worker_starts_no_cluster(self, case, monkeypatch):
        monkeypatch.setenv("TF_CONFIG", "{}")
        with pytest.raises(ValueError, match="TF_CONFIG is set.*2 workers.*Unset it"):
            case("", num_workers=2)

    @pytest.mark.parametrize(
        ("visible", "num_workers", "shared"),
        [
            ("0,1,2,3", 2, ["0,1", "2,3"]),
            ("4,7,9", 2, ["4", "7,9"]),
            ("0,1", 1, []),
            ("", 2, []),
        ],
    )
    def test_workers_share_the_gpus(self, monkeypatch, visible, num_workers, shared):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert _shared_gpus(num_workers) == shared

    def test_more_workers_than_gpus(self, case, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        with pytest.raises(ValueError, match="2 workers cannot share 1 GPUs"):
            case("", num_workers=2)
