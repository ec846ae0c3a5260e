"""The converter on two layers of random numbers: no download, and the same checks as at set-up."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from chatbot_saas.adapters.embeddings import convert
from chatbot_saas.adapters.embeddings.offline import Encoder
from chatbot_saas.adapters.model_files import minilm_dir
from tests.adapters.model_fixtures import models_dir

__all__ = ["models_dir"]
WIDTH = convert.WIDTH


def random_weights(layers: int, vocabulary: int) -> convert.Weights:
    random = np.random.default_rng(7)
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, WIDTH),
        "embeddings.position_embeddings.weight": (512, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    for number in range(layers):
        name = f"encoder.layer.{number}"
        dense = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (4 * WIDTH, WIDTH)}
        dense |= {"output.dense": (WIDTH, 4 * WIDTH)}
        for part, shape in dense.items():
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
    weights = {key: random.normal(0, 0.05, shape).astype(np.float32) for key, shape in shapes.items()}
    names = [f"encoder.layer.{n}.{part}" for n in range(layers) for part in ("attention.output", "output")]
    for name in ["embeddings", *names]:
        weights[f"{name}.LayerNorm.weight"] = random.normal(1, 0.1, WIDTH).astype(np.float32)
        weights[f"{name}.LayerNorm.bias"] = random.normal(0, 0.1, WIDTH).astype(np.float32)
    return weights


def write_safetensors(path: Path, weights: convert.Weights) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, value in weights.items():
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [place, place + value.nbytes]}
        place += value.nbytes
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + b"".join(value.tobytes() for value in weights.values()))


@pytest.fixture
def source(tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(convert, "LAYERS", 2)
    tokenizer = Tokenizer.from_file(str(minilm_dir(models_dir) / "tokenizer.json"))
    folder = tmp_path / "published"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    write_safetensors(folder / "model.safetensors", random_weights(2, tokenizer.get_vocab_size()))
    return folder


def test_the_kept_model_gives_the_vectors_of_the_published_weights(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept"
    target.mkdir()
    convert.convert(source, target)
    assert sorted(path.name for path in target.iterdir()) == ["model.onnx", "tokenizer.json"]
    encoder = Encoder(target)
    tokens = encoder.tokens(convert.SAMPLE)
    ids = np.array([101, *tokens, 102], dtype=np.int64)
    expected = convert.reference(convert.read_weights(source / "model.safetensors"), ids)
    assert float(encoder.vectors([tokens])[0] @ expected) > 0.97


def test_a_model_that_disagrees_is_not_kept(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = convert.reference
    monkeypatch.setattr(convert, "reference", lambda weights, ids: -true(weights, ids))
    with pytest.raises(SystemExit, match="does not agree with the published weights"):
        convert.convert(source, tmp_path)
