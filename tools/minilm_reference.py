"""all-MiniLM-L6-v2 in NumPy, straight from the original weights, to hold the ONNX graph to.

Written apart from the graph on purpose: no fusion, no rounding, one step of the paper at a time (Devlin et al., 2019), in float64.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

HEADS = 12
LAYERS = 6
EPSILON = 1e-12

Weights = Mapping[str, NDArray[np.float32]]
Floats = NDArray[np.float64]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def embed(weights: Weights, ids: NDArray[np.int64]) -> Floats:
    """The unit vector, [384], of one unpadded text given as token ids, [sequence]."""
    state = (
        weights["embeddings.word_embeddings.weight"][ids].astype(np.float64)
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    state = _layer_norm(weights, "embeddings.LayerNorm", state)
    for layer in range(LAYERS):
        state = _layer(weights, f"encoder.layer.{layer}", state)
    mean = state.mean(axis=0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit


def _layer(weights: Weights, prefix: str, state: Floats) -> Floats:
    query, key, value = (_heads(_linear(weights, f"{prefix}.attention.self.{part}", state)) for part in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
    exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
    attended = (exponents / exponents.sum(axis=-1, keepdims=True)) @ value
    joined = attended.transpose(1, 0, 2).reshape(state.shape)
    projected = _linear(weights, f"{prefix}.attention.output.dense", joined)
    state = _layer_norm(weights, f"{prefix}.attention.output.LayerNorm", projected + state)
    wide = _linear(weights, f"{prefix}.intermediate.dense", state)
    activated = wide * 0.5 * (1 + _erf(wide / math.sqrt(2)))
    return _layer_norm(weights, f"{prefix}.output.LayerNorm", _linear(weights, f"{prefix}.output.dense", activated) + state)


def _linear(weights: Weights, name: str, value: Floats) -> Floats:
    product: Floats = value @ weights[f"{name}.weight"].T.astype(np.float64) + weights[f"{name}.bias"]
    return product


def _heads(value: Floats) -> Floats:
    """[sequence, hidden] to [heads, sequence, hidden / heads]."""
    return value.reshape(len(value), HEADS, -1).transpose(1, 0, 2)


def _layer_norm(weights: Weights, name: str, value: Floats) -> Floats:
    centred = value - value.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    normed: Floats = scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return normed
