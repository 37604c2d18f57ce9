"""Writes all-MiniLM-L6-v2 as an ONNX graph: token ids in, one unit vector per text out.

Owns the shape of the graph. Its invariant: every matrix is kept as the float16 rounding of the original and every sum is done in
float32, so the graph is half the size and differs from the original by that rounding alone. Embedding rows are cast after they are
looked up, which keeps the largest table in memory at half size.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HIDDEN = 384
HEADS = 12
LAYERS = 6
LAYER_NORM_EPSILON = 1e-12
POOLING_FLOOR = 1e-9
OPSET = 20
CONTRIB_OPSET = 1
IR_VERSION = 10

Weights = Mapping[str, NDArray[np.float32]]


class GraphWriter:
    """Collects nodes and initializers. Each method returns the name of the value it made."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._count = 0

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: float | Sequence[int]) -> str:
        self._count += 1
        output = f"{kind.lower()}_{self._count}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def half(self, name: str, values: NDArray[np.float32]) -> str:
        """A float16 initializer; returns its name, still float16."""
        rounded = values.astype(np.float16)
        if not np.isfinite(rounded).all():
            message = f"{name} does not fit float16"
            raise ValueError(message)
        return self.constant(name, rounded)

    def matrix(self, name: str, values: NDArray[np.float32]) -> str:
        """A float16 initializer cast to float32; the runtime folds the cast when it loads."""
        return self.node("Cast", self.half(name, values), to=TensorProto.FLOAT)

    def vector(self, name: str) -> str:
        """A bias or a scale, left in float32: all of them together are 100 KB."""
        return self.constant(name, self._weights[name])

    def table(self, name: str, values: NDArray[np.float32], indices: str) -> str:
        """Rows of a float16 table as float32. The cast follows the look-up so that the table itself is never widened."""
        return self.node("Cast", self.node("Gather", self.half(name, values), indices), to=TensorProto.FLOAT)

    def layer_norm(self, value: str, prefix: str) -> str:
        scale, bias = self.vector(f"{prefix}.weight"), self.vector(f"{prefix}.bias")
        return self.node("LayerNormalization", value, scale, bias, axis=-1, epsilon=LAYER_NORM_EPSILON)

    def skip_layer_norm(self, value: str, skip: str, *, prefix: str, bias: str) -> str:
        return self.node(
            "SkipLayerNormalization",
            value,
            skip,
            self.vector(f"{prefix}.weight"),
            self.vector(f"{prefix}.bias"),
            self.vector(bias),
            domain="com.microsoft",
            epsilon=LAYER_NORM_EPSILON,
        )

    def matmul(self, value: str, name: str) -> str:
        # PyTorch keeps a linear layer as [out, in]; ONNX multiplies by [in, out].
        return self.node("MatMul", value, self.matrix(name, self._weights[name].T))

    def model(self, output: str, doc: str) -> onnx.ModelProto:
        graph = helper.make_graph(
            [*self._nodes, helper.make_node("Identity", [output], ["embedding"], name="embedding")],
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"]),
                helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "sequence"]),
            ],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])],
            self._initializers,
            doc_string=doc,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", CONTRIB_OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="deskhand")


def build_graph(weights: Weights, *, doc: str) -> onnx.ModelProto:
    """The encoder, mean pooling over the mask, and the L2 norm.

    Inputs `input_ids` and `attention_mask`, both int64 [batch, sequence], sequence ≤ 512; output `embedding`, float32 [batch, 384].
    """
    writer = GraphWriter(weights)
    state = _embeddings(writer, weights)
    mask = writer.node("Cast", "attention_mask", to=TensorProto.INT32)
    for layer in range(LAYERS):
        state = _encoder_layer(writer, weights, prefix=f"encoder.layer.{layer}", state=state, mask=mask)
    return writer.model(_pooled(writer, state), doc)


def _embeddings(writer: GraphWriter, weights: Weights) -> str:
    words = writer.table("embeddings.word_embeddings.weight", weights["embeddings.word_embeddings.weight"], "input_ids")
    # Token types are always zero here, so their one row is part of every position.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    sequence = writer.node("Shape", "input_ids", start=1, end=2)
    zero = writer.constant("zero", np.array([0], dtype=np.int64))
    rows = writer.node("Slice", writer.half("positions", positions), zero, sequence, zero)
    summed = writer.node("Add", words, writer.node("Cast", rows, to=TensorProto.FLOAT))
    return writer.layer_norm(summed, "embeddings.LayerNorm")


def _encoder_layer(writer: GraphWriter, weights: Weights, *, prefix: str, state: str, mask: str) -> str:
    parts = [f"{prefix}.attention.self.{part}" for part in ("query", "key", "value")]
    attended = writer.node(
        "Attention",
        state,
        writer.matrix(f"{prefix}.qkv.weight", np.concatenate([weights[f"{part}.weight"].T for part in parts], axis=1)),
        writer.constant(f"{prefix}.qkv.bias", np.concatenate([weights[f"{part}.bias"] for part in parts])),
        mask,
        domain="com.microsoft",
        num_heads=HEADS,
        scale=1 / math.sqrt(HIDDEN // HEADS),
    )
    projected = writer.matmul(attended, f"{prefix}.attention.output.dense.weight")
    state = writer.skip_layer_norm(
        projected, state, prefix=f"{prefix}.attention.output.LayerNorm", bias=f"{prefix}.attention.output.dense.bias"
    )
    widened = writer.matmul(state, f"{prefix}.intermediate.dense.weight")
    activated = writer.node("BiasGelu", widened, writer.vector(f"{prefix}.intermediate.dense.bias"), domain="com.microsoft")
    narrowed = writer.matmul(activated, f"{prefix}.output.dense.weight")
    return writer.skip_layer_norm(narrowed, state, prefix=f"{prefix}.output.LayerNorm", bias=f"{prefix}.output.dense.bias")


def _pooled(writer: GraphWriter, state: str) -> str:
    last = writer.constant("last_axis", np.array([-1], dtype=np.int64))
    middle = writer.constant("sequence_axis", np.array([1], dtype=np.int64))
    mask = writer.node("Unsqueeze", writer.node("Cast", "attention_mask", to=TensorProto.FLOAT), last)
    total = writer.node("ReduceSum", writer.node("Mul", state, mask), middle, keepdims=0)
    count = writer.node("ReduceSum", mask, middle, keepdims=0)
    mean = writer.node("Div", total, writer.node("Max", count, writer.constant("pooling_floor", np.float32([POOLING_FLOOR]))))
    length = writer.node("ReduceL2", mean, last, keepdims=1)
    return writer.node("Div", mean, writer.node("Max", length, writer.constant("norm_floor", np.float32([1e-12]))))
