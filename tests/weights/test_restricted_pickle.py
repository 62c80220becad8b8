"""The pickle reader builds plain data and refuses everything else."""

import io
import os
import pickle

import pytest

from hrnet_tf.weights.restricted_pickle import Placeholder, Reference, load

PLAIN = {
    "epoch": 3,
    "rates": [1e-3, -2.5],
    "large": 2**70,
    "nested": ({"a": (1, 2, 3, 4)}, [], (), None, True, False),
    7: b"bytes",
    ("pair", 1): {1, 2, 3},
    "frozen": frozenset({4}),
    "text": "é" * 300,
}


class Evil:
    """Calls `function(*arguments)` when Python's own unpickler reads it."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def read(data, **constructors):
    return load(io.BytesIO(data), constructors)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_plain_data_of_every_protocol(protocol):
    content = dict(PLAIN)
    allowed = {}
    if protocol < 4:  # these need a constructor there
        del content["frozen"], content["text"]
        del content[("pair", 1)]
    if protocol < 3:
        del content[7]
    data = pickle.dumps(content, protocol)
    assert load(io.BytesIO(data), allowed) == content


def test_shared_objects_stay_shared():
    inner = [1]
    first, second = read(pickle.dumps((inner, inner), 2))
    assert first is second


def test_leaves_the_stream_after_the_pickle():
    stream = io.BytesIO(pickle.dumps("a", 2) + b"rest")
    assert load(stream, {}) == "a"
    assert stream.read() == b"rest"


@pytest.mark.parametrize("protocol", [2, 4])
def test_refuses_globals_and_runs_nothing(tmp_path, protocol):
    target = tmp_path / "made"
    data = pickle.dumps({"weights": Evil(os.mkdir, str(target))}, protocol)
    with pytest.raises(ValueError, match=r"global '(posix|nt)\.mkdir'.*refused.*code"):
        read(data)
    assert not target.exists()
    pickle.loads(data)  # the file was a working attack
    assert target.exists()


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__])
def test_refuses_builtins(function):
    with pytest.raises(ValueError, match="refused"):
        read(pickle.dumps(Evil(function, "1"), 2))


def test_refuses_dotted_names_of_allowed_modules():
    data = b"\x80\x04\x8c\x05torch\x8c\x0dload.__call__\x93."
    with pytest.raises(ValueError, match=r"'torch\.load\.__call__'"):
        read(data, **{"torch.load": print})


def test_a_named_type_is_never_called():
    data = b"\x80\x02ctorch\nfloat16\n(tR."
    with pytest.raises(ValueError, match=r"calls torch\.float16, which is not"):
        read(data, **{"torch.float16": None})
    found = read(b"\x80\x02ctorch\nfloat16\n.", **{"torch.float16": None})
    assert isinstance(found, Reference) and found.name == "torch.float16"


def test_state_changes_nothing_but_objects_that_ask_for_it():
    class Box:
        def restore_state(self, state):
            self.content = state

    allowed = {"m.Box": Box, "m.dict": dict}
    box = read(b"\x80\x02cm\nBox\n)RK\x05b.", **allowed)
    assert box.content == 5
    plain = read(b"\x80\x02cm\ndict\n)R}X\x05\0\0\0itemsK\x05sb.", **allowed)
    assert plain == {} and plain.items() is not None


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02.",
        b"\x80\x02K\x01\x86.",
        b"\x80\x02h\x05.",
        b"\x80\x02t.",
        b"\x80\x02K\x01K\x02a.",
        b"\x80\x02}K\x01(K\x02u.",
        b"\x80\x02K\x01Q.",
        b"\x80\x02]]K\x01s.",
    ],
)
def test_malformed_pickles_are_value_errors(data):
    with pytest.raises(ValueError, match="pickle"):
        read(data)


def test_cut_pickles_are_value_errors():
    data = pickle.dumps(list(range(100)), 2)
    for end in range(len(data)):
        with pytest.raises(ValueError, match="cut short or damaged"):
            read(data[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02}(K\x01\x85\x85K\x01u.",  # a tuple of a tuple of ... as a key
        b"\x80\x02(cm\nA\no.",
        b"\x80\x02(im\nA\n.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_refuses_what_no_state_dict_needs(data):
    with pytest.raises(ValueError, match="as a key|no state dict needs"):
        read(data, **{"m.A": dict})


def test_huge_memo_index_costs_nothing():
    assert read(b"\x80\x02K\x01r\xff\xff\xff\x7f.") == 1


class TestHyperparameters:
    """Objects of other packages beside a state dict, as Lightning's files hold them."""

    def test_placeholders_swallow_what_they_are_made_of(self):
        data = (
            b"\x80\x02}(X\x01\0\0\0acmine.config\nOptions\n)\x81(K\x01K\x02u}K\x01K\x02sb"
            b"X\x01\0\0\0bcpathlib\nPosixPath\n(X\x01\0\0\0/tR"
            b"X\x01\0\0\0ccmine\nItems\n)\x81K\x01a(K\x02K\x03e"
            b"cmine\nKey\nK\x04u."
        )
        found = read(data)
        assert [type(found[key]) for key in "abc"] == [Placeholder] * 3
        assert found["a"].name == "mine.config.Options"
        assert list(found.values())[3] == 4

    @pytest.mark.parametrize(
        "name",
        [
            *("os system", "subprocess Popen", "builtins eval", "__builtin__ getattr"),
            *("torch._utils _rebuild_qtensor", "torch load", "numpy load"),
            *("importlib import_module", "functools reduce", "mine.config __init__"),
        ],
    )
    def test_all_else_is_refused(self, name):
        data = "\x80\x02c" + name.replace(" ", "\n") + "\n."
        with pytest.raises(ValueError, match="which is refused"):
            read(data.encode("latin-1"))
