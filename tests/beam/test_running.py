"""Runners that end otherwise than by success."""

import pytest

running = pytest.importorskip(
    "hrnet_tf.beam.running",
    reason="Apache Beam is not installed: pip install 'hrnet_tf[beam]'",
    exc_type=ImportError,
)


def ending(monkeypatch, wait):
    """Makes a runner whose pipelines end as a function says."""
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.runners.runner import PipelineResult

    class Result(PipelineResult):
        def wait_until_finish(self, duration=None):
            return wait()

    class Runner(FnApiRunner):
        def run_pipeline(self, pipeline, options):
            return Result("DONE")

    monkeypatch.setattr(running, "create_runner", lambda name: Runner())


@pytest.mark.parametrize("state", [None, "DONE"])
def test_success(monkeypatch, state):
    ending(monkeypatch, lambda: state)
    running.run_pipeline(lambda pipeline: None, "FlinkRunner")


def test_a_cancelled_pipeline(monkeypatch):
    ending(monkeypatch, lambda: "CANCELLED")
    with pytest.raises(ValueError, match="on the FlinkRunner ended as CANCELLED"):
        running.run_pipeline(lambda pipeline: None, "FlinkRunner")


def test_the_last_line_of_a_traceback_is_shown(monkeypatch):
    class RemoteError(Exception):
        pass

    def wait():
        raise RemoteError("Traceback\n  File x\nOSError: [Errno 28] No space left\n\n")

    ending(monkeypatch, wait)
    text = r"failed on the SparkRunner: OSError: \[Errno 28\] No space left$"
    with pytest.raises(ValueError, match=text) as error:
        running.run_pipeline(lambda pipeline: None, "SparkRunner")
    assert isinstance(error.value.__cause__, RemoteError)
