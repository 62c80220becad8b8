"""What TensorFlow writes of itself while it is imported."""

import os
import subprocess
import sys

import pytest

# Of TensorFlow 2.21, and what else may be written meanwhile.
WRITTEN = """
import os, sys

def write(text):
    os.write(2, text.encode() + b"\\n")

write("WARNING: All log messages before absl::InitializeLog() is called are written")
write("I0000 00:00:1796042527.823198   27030 port.cc:153] oneDNN custom operations")
write("W0000 00:00:1796042527.823198   27030 a.cc:1] a warning")
write("E0000 00:00:1796042527.823198   27030 b.cc:1] an error")
write("F0000 00:00:1796042527.823198   27030 c.cc:1] the end")
write("I0000 of somebody else")
print("from Python", file=sys.stderr)
"""
START = """
import os, sys
from hrnet_tf.cli.quiet_import import quiet_tensorflow

quiet_tensorflow()
quiet_tensorflow()
print("before", file=sys.stderr)
try:
    import tensorflow
except ImportError as error:
    print(error, file=sys.stderr)
os.write(2, b"I0000 00:00:1 2 d.cc:1] later\\n")
print("after", file=sys.stderr)
"""


def stderr_of(folder, content, level, **arguments):
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").write_text(content)
    path = os.pathsep.join((str(folder), *sys.path))
    done = subprocess.run(
        [sys.executable, "-c", START],
        env=os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": level},
        text=True,
        stderr=subprocess.PIPE,
        timeout=60,
        check=True,
        **arguments,
    )
    return done.stderr


@pytest.mark.parametrize(
    "level, hidden",
    [
        ("0", ""),
        ("1", "WARNING: All log|oneDNN custom"),
        ("3", "WARNING: All log|oneDNN custom|a warning|an error"),
        ("high", ""),
    ],
)
def test_its_notes_are_left_out(tmp_path, level, hidden):
    text = stderr_of(tmp_path, WRITTEN, level)
    words = "WARNING: All log|oneDNN custom|a warning|an error|the end|somebody else"
    words += "|from Python|before|later|after"
    for word in words.split("|"):
        assert (word in text) == (word not in hidden.split("|")), word


def test_errors_of_the_import_are_not_lost(tmp_path):
    content = f"{WRITTEN}\nraise ImportError('no such library')"
    text = stderr_of(tmp_path, content, "3")
    assert text.splitlines()[-3:] == [
        "no such library",
        "I0000 00:00:1 2 d.cc:1] later",
        "after",
    ]


def test_a_process_that_lives_on_stops_nothing(tmp_path):
    """It holds what the notes are read from."""
    content = f"{WRITTEN}\nimport subprocess; subprocess.Popen(['sleep', '5'])"
    assert "after" in stderr_of(tmp_path, content, "3")
