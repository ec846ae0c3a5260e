"""Turns the published weights of all-MiniLM-L6-v2 into one ONNX file; runs once, at set-up, in its own process.

`python -m chatbot_saas.adapters.embeddings.convert <folder with model.safetensors, tokenizer.json> <target folder>`

The graph is written by hand, so that PyTorch is not needed: six BERT layers, mean over the tokens, rows of length one.
It reads int64 `ids` and `mask`, both (texts, tokens), and gives float32 `vectors`, (texts, 384). The matrices are kept
in eight bits, which is faster and a quarter of the size; both graphs are held against a plain numpy pass before
anything is kept.
"""

# onnx and onnxruntime are untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from chatbot_saas.adapters.model_files import MODEL_FILE, TOKENIZER_FILE

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12  # layer_norm_eps of the model's own config
SAMPLE = "Returns are accepted within 30 days of delivery, provided that the item has not been worn."
LEAST_AGREEMENT = {"fp32": 0.99999, "int8": 0.97}  # cosine with the numpy pass

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]


def read_weights(path: Path) -> Weights:
    """Every float32 tensor of a safetensors file: eight bytes of header length, a JSON header, then the raw numbers."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header: dict[str, dict[str, Any]] = json.loads(raw[8 : 8 + length])
    weights: Weights = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(raw[8 + length + begin : 8 + length + end], dtype="<f4")
            weights[name] = numbers.reshape(entry["shape"])
    return weights


class Graph:
    """Collects nodes and constants; each method returns the name of what it adds."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, *inputs: str, to: str = "", domain: str = "", **attributes: Any) -> str:
        name = to or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=f"{op}_{name}", domain=domain, **attributes))
        return name

    def dense(self, x: str, name: str, weight: Array, bias: Array) -> str:
        product = self.add("MatMul", x, self.constant(f"{name}.weight", weight.T))
        return self.add("Add", product, self.constant(f"{name}.bias", bias))

    def normed(self, x: str, name: str, weights: Weights) -> str:
        scale = self.constant(f"{name}.scale", weights[f"{name}.weight"])
        shift = self.constant(f"{name}.shift", weights[f"{name}.bias"])
        return self.add("LayerNormalization", x, scale, shift, epsilon=EPSILON)


def build(weights: Weights) -> onnx.ModelProto:
    g = Graph()
    words = g.constant("words", weights["embeddings.word_embeddings.weight"])
    # There is one kind of token here, so that its embedding can be added to the positions beforehand.
    kind = weights["embeddings.token_type_embeddings.weight"][0]
    positions = g.constant("positions", weights["embeddings.position_embeddings.weight"] + kind)
    length = g.add("Shape", "ids", start=1, end=2)
    zero = g.constant("zero", np.array([0], dtype=np.int64))
    x = g.add("Add", g.add("Gather", words, "ids"), g.add("Slice", positions, zero, length, zero))
    x = g.normed(x, "embeddings.LayerNorm", weights)
    mask = _cast(g, "mask", TensorProto.INT32)
    for number in range(LAYERS):
        x = _layer(g, x, mask, f"encoder.layer.{number}", weights)
    _pool(g, x)
    shape = ["texts", "tokens"]
    graph = helper.make_graph(
        g.nodes,
        "minilm-l6-v2",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("ids", "mask")],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])],
        g.constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def _cast(g: Graph, x: str, kind: int) -> str:
    name = f"n{len(g.nodes)}"
    g.nodes.append(helper.make_node("Cast", [x], [name], name=f"Cast_{name}", to=kind))
    return name


def _layer(g: Graph, x: str, mask: str, name: str, weights: Weights) -> str:
    own = f"{name}.attention.self"
    parts = [
        g.dense(x, f"{own}.{part}", weights[f"{own}.{part}.weight"], weights[f"{own}.{part}.bias"])
        for part in ("query", "key", "value")
    ]
    seen = g.add("MultiHeadAttention", *parts, "", mask, domain="com.microsoft", num_heads=HEADS)
    after = f"{name}.attention.output"
    y = g.dense(seen, f"{after}.dense", weights[f"{after}.dense.weight"], weights[f"{after}.dense.bias"])
    x = g.normed(g.add("Add", x, y), f"{after}.LayerNorm", weights)
    wide = f"{name}.intermediate.dense"
    y = g.add("Gelu", g.dense(x, wide, weights[f"{wide}.weight"], weights[f"{wide}.bias"]))
    y = g.dense(y, f"{name}.output.dense", weights[f"{name}.output.dense.weight"], weights[f"{name}.output.dense.bias"])
    return g.normed(g.add("Add", x, y), f"{name}.output.LayerNorm", weights)


def _pool(g: Graph, x: str) -> None:
    """Mean over the tokens that count, then length one."""
    last = g.constant("last", np.array([2], dtype=np.int64))
    tokens = g.constant("tokens", np.array([1], dtype=np.int64))
    counts = g.add("Unsqueeze", _cast(g, "mask", TensorProto.FLOAT), last)
    total = g.add("ReduceSum", g.add("Mul", x, counts), tokens, keepdims=0)
    # Dividing by the number of tokens would change the length only, and that is set to one here anyway.
    g.add("LpNormalization", total, to="vectors", axis=1, p=2)


def reference(weights: Weights, ids: npt.NDArray[np.int64]) -> Array:
    """The same vector for one text, in numpy and after the book: what the graphs are checked against."""

    def normed(x: Array, name: str) -> Array:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + EPSILON)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(x: Array, name: str) -> Array:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = normed(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for number in range(LAYERS):
        name = f"encoder.layer.{number}"
        q, k, v = (
            dense(x, f"{name}.attention.self.{part}").reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (shares / shares.sum(-1, keepdims=True)) @ v
        seen = seen.transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = normed(x + dense(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        wide = dense(x, f"{name}.intermediate.dense")
        wide = wide * 0.5 * (1 + _erf(wide / np.sqrt(2)))
        x = normed(x + dense(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    vector = x.mean(0)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _erf(x: Array) -> Array:
    """Abramowitz and Stegun 7.1.26; its error is below 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return (np.sign(x) * (1 - poly * np.exp(-x * x))).astype(np.float32)


def check(path: Path, weights: Weights, tokenizer: Tokenizer, kind: str) -> float:
    """Cosine of the graph's vector with the numpy one, for a sentence beside a longer (so padded) one."""
    ids = np.array(tokenizer.encode(SAMPLE).ids, dtype=np.int64)
    both = np.zeros((2, len(ids) + 9), dtype=np.int64)
    both[0, : len(ids)] = ids
    both[1] = 2000
    mask = np.ones_like(both)
    mask[0, len(ids) :] = 0
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    vector = np.asarray(session.run(None, {"ids": both, "mask": mask})[0])[0]
    agreement = float(vector @ reference(weights, ids))
    if agreement < LEAST_AGREEMENT[kind]:
        raise SystemExit(
            f"The converted model ({kind}) does not agree with the published weights: cosine {agreement:.5f}"
        )
    return agreement


def convert(source: Path, target: Path) -> None:
    weights = read_weights(source / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(source / TOKENIZER_FILE))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    whole = target / "whole.onnx"
    onnx.save_model(build(weights), whole)
    check(whole, weights, tokenizer, "fp32")
    quantize_dynamic(
        whole,
        target / MODEL_FILE,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,  # seven bits: without VNNI, two products of eight bits overflow the sixteen of their sum
        extra_options={"DefaultTensorType": TensorProto.FLOAT},  # shapes cannot be inferred behind the fused attention
    )
    check(target / MODEL_FILE, weights, tokenizer, "int8")
    whole.unlink()
    tokenizer.save(str(target / TOKENIZER_FILE), pretty=False)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
