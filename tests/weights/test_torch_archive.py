"""Crafted files of torch.save: views, byte order, lying sizes, attacks."""

import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from hrnet_tf.weights.torch_checkpoint import read_checkpoint

MAGIC = 0x1950A86A20F9469CFC6C


class Tensor:
    """What a tensor is in a pickle of torch; sizes in elements."""

    def __init__(self, key, length, shape, strides=None, offset=0, **options):
        self.key, self.length, self.offset = key, length, offset
        self.shape = tuple(shape)
        steps = np.cumprod((1, *self.shape[:0:-1]))[::-1][: len(self.shape)]
        self.strides = tuple(int(s) for s in steps) if strides is None else strides
        self.kind = options.get("kind", "FloatStorage")
        self.view = options.get("view")


def encode(value, legacy):
    """Encodes plain data and Tensors as a pickle's instructions, protocol 2."""
    if isinstance(value, bytes):
        return value  # ready instructions
    if isinstance(value, dict):
        pairs = (encode(part, legacy) for item in value.items() for part in item)
        return b"}(" + b"".join(pairs) + b"u"
    if isinstance(value, tuple):
        return b"(" + b"".join(encode(part, legacy) for part in value) + b"t"
    if isinstance(value, Tensor):
        kind = f"ctorch\n{value.kind}\n".encode()
        identity = ("storage", kind, value.key, "cpu", value.length)
        storage = encode(identity + ((value.view,) if legacy else ()), legacy) + b"Q"
        hooks = b"ccollections\nOrderedDict\n)R"
        arguments = (storage, value.offset, value.shape, value.strides, False, hooks)
        rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n"
        return rebuild + encode(arguments, legacy) + b"R"
    return pickle.dumps(value, 2)[2:-1]


def write_zip(path, content, storages, order="little", root="archive"):
    with zipfile.ZipFile(path, "w") as archive:
        data = b"\x80\x02" + encode(content, legacy=False) + b"."
        archive.writestr(f"{root}/data.pkl", data)
        if order:
            archive.writestr(f"{root}/byteorder", order)
        for key, array in storages.items():
            archive.writestr(f"{root}/data/{key}", array.tobytes())
        archive.writestr(f"{root}/version", "3\n")
    return path


def write_legacy(path, content, storages, counts=None):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    data = b"".join(pickle.dumps(part, 2) for part in (MAGIC, 1001, system))
    data += b"\x80\x02" + encode(content, legacy=True) + b"."
    data += pickle.dumps(list(storages), 2)
    for key, array in storages.items():
        count = (counts or {}).get(key, array.size)
        data += struct.pack("<Q", count) + array.tobytes()
    path.write_bytes(data)
    return path


WRITERS = pytest.mark.parametrize("write", [write_zip, write_legacy])
NUMBERS = np.arange(12, dtype="<f4")


@WRITERS
def test_shapes_strides_and_offsets(tmp_path, write):
    content = {
        "plain": Tensor("0", 12, (3, 4)),
        "transposed": Tensor("0", 12, (4, 3), (1, 4)),
        "window": Tensor("0", 12, (2, 2), (4, 1), offset=5),
        "scalar": Tensor("0", 12, (), offset=11),
    }
    arrays = read_checkpoint(write(tmp_path / "a.pth", content, {"0": NUMBERS}))
    grid = NUMBERS.reshape(3, 4)
    np.testing.assert_array_equal(arrays["plain"], grid)
    np.testing.assert_array_equal(arrays["transposed"], grid.T)
    np.testing.assert_array_equal(arrays["window"], grid[1:3, 1:3])
    assert arrays["scalar"].shape == () and arrays["scalar"] == 11


def test_storage_views_of_the_legacy_format(tmp_path):
    view = Tensor("0", 12, (2, 2), view=("1", 4, 4))
    path = write_legacy(tmp_path / "a.pth", {"w": view}, {"0": NUMBERS})
    np.testing.assert_array_equal(read_checkpoint(path)["w"], [[4, 5], [6, 7]])
    for bad in (("1", 10, 4), ("1", -1, 4), ("1", 0, 2**62)):
        view = Tensor("0", 12, (2, 2), view=bad)
        path = write_legacy(tmp_path / "a.pth", {"w": view}, {"0": NUMBERS})
        with pytest.raises(ValueError, match=r"a\.pth: a view leaves its storage '0'"):
            read_checkpoint(path)


@pytest.mark.parametrize("order", ["little", "big", None])
def test_byte_orders(tmp_path, order):
    sign = ">" if order == "big" else "<"
    storages = {
        "0": NUMBERS.astype(f"{sign}f4"),
        "1": np.array([0x3FC0, 0xC010], f"{sign}u2"),  # 1.5 and -2.25 in bfloat16
        "2": np.array([True, False]),
    }
    content = {
        "f": Tensor("0", 12, (12,)),
        "b": Tensor("1", 2, (2,), kind="BFloat16Storage"),
        "t": Tensor("2", 2, (2,), kind="BoolStorage"),
    }
    arrays = read_checkpoint(write_zip(tmp_path / "a.pth", content, storages, order))
    np.testing.assert_array_equal(arrays["f"], NUMBERS)
    assert arrays["b"].dtype.name == "bfloat16"
    np.testing.assert_array_equal(arrays["b"].astype("f4"), [1.5, -2.25])
    np.testing.assert_array_equal(arrays["t"], [True, False])


def test_unknown_byte_order(tmp_path):
    path = tmp_path / "a.pth"
    write_zip(path, {"w": Tensor("0", 12, (12,))}, {"0": NUMBERS}, "middle")
    with pytest.raises(ValueError, match="byte order is 'middle'"):
        read_checkpoint(path)


@WRITERS
@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("0", 12, (13,)),
        Tensor("0", 12, (4, 3), (4, 1)),
        Tensor("0", 12, (4,), offset=9),
        Tensor("0", 12, (10**6, 10**6), (0, 0)),
    ],
)
def test_tensors_that_leave_their_storage(tmp_path, write, tensor):
    path = write(tmp_path / "a.pth", {"conv.weight": tensor}, {"0": NUMBERS})
    message = r"a\.pth: its tensor 'conv.weight' is wrong: shape .* leaves its storage"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


@WRITERS
@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("0", 12, (4,), (-1,)),
        Tensor("0", 12, (-4,), (1,)),
        Tensor("0", 12, (4,), (1, 1)),
        Tensor("0", 12, (4,), offset=-1),
        Tensor("0", 12, (4.0,), (1,)),
        Tensor("0", 12, (1,) * 40),
        Tensor("0", -12, (4,)),
    ],
)
def test_senseless_sizes(tmp_path, write, tensor):
    path = write(tmp_path / "a.pth", {"w": tensor}, {"0": NUMBERS})
    with pytest.raises(ValueError, match=r"a\.pth: a (tensor|storage)'s .* no sense"):
        read_checkpoint(path)


@WRITERS
def test_storages_of_another_size_than_declared(tmp_path, write):
    path = write(tmp_path / "a.pth", {"w": Tensor("0", 10**9, (4,))}, {"0": NUMBERS})
    with pytest.raises(ValueError, match="storage '0' has 48 bytes.*4000000000"):
        read_checkpoint(path)


def test_legacy_counts_that_lie(tmp_path):
    content = {"w": Tensor("0", 2**60, (4,))}
    path = tmp_path / "a.pth"
    write_legacy(path, content, {"0": NUMBERS}, counts={"0": 2**60})
    with pytest.raises(ValueError, match="storage '0' has 48 bytes.*cut short"):
        read_checkpoint(path)


@WRITERS
def test_storages_that_do_not_match_the_tensors(tmp_path, write):
    path = write(tmp_path / "a.pth", {"w": Tensor("1", 12, (4,))}, {"0": NUMBERS})
    with pytest.raises(ValueError, match="'1' is missing|does not match its tensors"):
        read_checkpoint(path)
    content = {"a": Tensor("0", 12, (4,)), "b": Tensor("0", 6, (4,))}
    path = write(tmp_path / "a.pth", content, {"0": NUMBERS})
    with pytest.raises(ValueError, match="'0' is described in two ways"):
        read_checkpoint(path)


def test_compressed_archives_are_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10**7)
    message = r"bomb\.pth: its member 'archive/data.pkl' is compressed.*10000000"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


def test_members_that_overlap_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.pth", {"w": Tensor("0", 12, (4,))}, {"0": NUMBERS})
    # Both sizes in the central directory, where readers look, grown alike.
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"archive/data/0") - 46
    data[entry + 20 : entry + 28] = struct.pack("<II", 10**6, 10**6)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"members claim 1\d{6} bytes in a file of"):
        read_checkpoint(path)


def test_damaged_members_are_found(tmp_path):
    path = write_zip(tmp_path / "a.pth", {"w": Tensor("0", 12, (4,))}, {"0": NUMBERS})
    data = bytearray(path.read_bytes())
    data[data.index(NUMBERS.tobytes()) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.pth: Bad CRC"):
        read_checkpoint(path)


@pytest.mark.parametrize("member", ["x/constants.pkl", "model.json"])
def test_other_zip_archives(tmp_path, member):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        if member.startswith("x/"):
            archive.writestr("x/data.pkl", b"")
        archive.writestr(member, b"")
    with pytest.raises(ValueError, match=r"model\.pt.*not one of torch\.save"):
        read_checkpoint(path)


@WRITERS
def test_attacks_are_refused(tmp_path, write):
    target = tmp_path / "made"
    attack = b"cos\nmkdir\n" + encode((str(target),), False) + b"R"
    content = {"w": Tensor("0", 12, (4,)), "optimizer": attack}
    path = write(tmp_path / "evil.pth", content, {"0": NUMBERS})
    with pytest.raises(ValueError, match=r"evil\.pth: .*'os\.mkdir', which is refused"):
        read_checkpoint(path)
    assert not target.exists()


def test_bare_attack_is_refused(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Attack(), 2))
    with pytest.raises(ValueError, match=r"evil\.pth.*mkdir', which is refused"):
        read_checkpoint(path)
    assert not (tmp_path / "made").exists()


def test_whole_models_are_explained(tmp_path):
    model = b"cmodels.pose_hrnet\nPoseHighResolutionNet\n)\x81"
    path = write_legacy(tmp_path / "model.pth", {"state_dict": model}, {})
    message = r"pose_hrnet\.PoseHighResolutionNet'.*save model\.state_dict\(\) alone"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


@WRITERS
def test_content_that_holds_itself(tmp_path, write):
    # {"model": the dictionary itself}
    content = b"}q\x00X\x05\0\0\0modelh\x00s"
    path = write(tmp_path / "a.pth", content, {})
    with pytest.raises(ValueError, match=r"no named tensors.*keys are \['model'\]"):
        read_checkpoint(path)
