from __future__ import annotations

import struct
from pathlib import Path

import gguf as package
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.gguf import TENSOR_TYPES, BadModelFile, Header, read_header
from tests.helpers import random_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model.tiny(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "scratch.gguf"


def read(scratch: Path, data: bytes) -> Header | None:
    """The header of a file with these bytes; None if it is refused as it should be."""
    scratch.write_bytes(data)
    try:
        return read_header(scratch)
    except BadModelFile:
        return None


@pytest.fixture(scope="module")
def header_bytes(model: Path) -> int:
    """How many bytes come before the tensors."""
    tensors = package.GGUFReader(model).tensors
    return model.stat().st_size - sum(int(tensor.n_bytes) for tensor in tensors)


def test_a_good_file_is_read(model: Path) -> None:
    header = read_header(model)
    assert header.architecture == "llama"
    assert header.metadata["tokenizer.ggml.tokens"] == ("<|fim_prefix|>",)
    assert header.context_length == random_model.TINY.context
    weights = sum(int(np.prod(shape)) for _, shape in random_model.TINY.tensors())
    assert header.parameters == weights
    assert header.least_bytes == model.stat().st_size


def test_a_quantised_file_is_measured(tmp_path: Path) -> None:
    path = random_model.write(tmp_path / "q8.gguf", random_model.TINY, "q8_0")
    assert read_header(path).least_bytes == path.stat().st_size


def test_tensors_are_counted_by_their_type(tmp_path: Path) -> None:
    path = random_model.write(tmp_path / "q8.gguf", random_model.TINY, "q8_0")
    kinds = [tensor.tensor_type.name.lower() for tensor in package.GGUFReader(path).tensors]
    assert read_header(path).tensors == {kind: kinds.count(kind) for kind in kinds}


def test_types_of_tensors_have_their_names() -> None:
    known = {kind.value: kind.name.lower() for kind in package.GGMLQuantizationType}
    assert {value: name.lower() for value, name in TENSOR_TYPES.items()}.items() <= known.items()


KINDS = st.sampled_from(
    [
        package.GGMLQuantizationType.F32,
        package.GGMLQuantizationType.F16,
        package.GGMLQuantizationType.Q8_0,
        package.GGMLQuantizationType.Q4_0,
        package.GGMLQuantizationType.Q5_1,
        package.GGMLQuantizationType.BF16,
    ]
)


@given(
    tensors=st.lists(st.tuples(KINDS, st.integers(1, 3), st.integers(1, 5)), min_size=1),
    alignment=st.sampled_from([32, 64, 256]),
)
def test_the_least_size_is_that_of_a_file_as_it_is_written(
    scratch: Path, tensors: list[tuple[package.GGMLQuantizationType, int, int]], alignment: int
) -> None:
    writer = package.GGUFWriter(scratch, "llama")
    writer.add_custom_alignment(alignment)
    for number, (kind, rows, blocks) in enumerate(tensors):
        values = np.zeros((rows, 32 * blocks), np.float32)
        writer.add_tensor(f"t{number}", package.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_header(scratch)
    # The writer fills the last tensor up to the alignment; a reader does without.
    assert 0 <= scratch.stat().st_size - header.least_bytes < alignment
    assert header.parameters == sum(rows * 32 * blocks for _, rows, blocks in tensors)


def test_metadata_is_kept_but_long_lists_are_not(scratch: Path) -> None:
    writer = package.GGUFWriter(scratch, "llama")
    writer.add_string("a.string", "é")
    writer.add_array("a.short", [1, 2, 3])
    writer.add_array("a.long", list(range(1000)))
    writer.add_array("a.words", ["x"] * 1000)
    writer.add_bool("a.bool", True)
    writer.add_float64("a.float", 0.5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    metadata = read_header(scratch).metadata
    assert metadata["a.string"] == "é"
    assert metadata["a.short"] == (1, 2, 3)
    assert metadata["a.long"] == metadata["a.words"] == ()
    assert metadata["a.bool"] is True
    assert metadata["a.float"] == 0.5


@given(st.data())
def test_a_cut_file_is_refused_or_said_to_be_longer(
    model: Path, header_bytes: int, scratch: Path, data: st.DataObject
) -> None:
    whole = model.read_bytes()
    in_header = st.integers(0, header_bytes + 100)
    size = data.draw(in_header | st.integers(0, len(whole) - 1))
    header = read(scratch, whole[:size])
    assert header is None or header.least_bytes > size


@given(st.data(), st.binary(min_size=1, max_size=12))
def test_a_damaged_file_is_read_or_refused(
    model: Path, header_bytes: int, scratch: Path, data: st.DataObject, damage: bytes
) -> None:
    whole = bytearray(model.read_bytes()[:header_bytes])
    start = st.integers(0, 600)
    at = data.draw(start | st.integers(0, len(whole) - 1))
    whole[at : at + len(damage)] = damage
    read(scratch, bytes(whole))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(scratch: Path, data: bytes) -> None:
    if not data.startswith(b"GGUF"):
        assert read(scratch, data) is None


@given(
    st.integers(2, 3),
    st.sampled_from([0, 1, 2, 2**63]),
    st.sampled_from([0, 1, 2, 2**63]),
    st.binary(max_size=200),
)
def test_any_bytes_behind_a_good_start_are_read_or_refused(
    scratch: Path, version: int, tensors: int, pairs: int, rest: bytes
) -> None:
    read(scratch, b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + rest)


def test_lists_in_lists_without_end_are_refused(scratch: Path) -> None:
    deep = struct.pack("<Q1sI", 1, b"k", 9) + struct.pack("<IQ", 9, 1) * 5000
    assert read(scratch, b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + deep) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a GGUF file"),
        (b"GGML" * 10, "not a GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**40, 0), "damaged"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QI", 0, 99), "unknown type 99"),
        (b"GGUF" + struct.pack("<I", 3), "in the middle of its header"),
    ],
)
def test_the_reason_is_said(scratch: Path, data: bytes, said: str) -> None:
    scratch.write_bytes(data)
    with pytest.raises(BadModelFile, match=said):
        read_header(scratch)


@pytest.mark.parametrize(("pooling", "ranks"), [(4, True), (1, False), (None, False)])
def test_a_reranker_is_known_by_its_pooling(pooling: int | None, ranks: bool) -> None:
    metadata = {"general.architecture": "bert", "bert.pooling_type": pooling}
    assert Header(metadata, 0, 0).reranker is ranks


@pytest.mark.parametrize("length", [-5, "many", 1.5])
def test_a_senseless_context_length_is_unknown(length: object) -> None:
    metadata = {"general.architecture": "llama", "llama.context_length": length}
    assert Header(metadata, 0, 0).context_length == 0


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "none.gguf")
