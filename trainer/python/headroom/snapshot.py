"""The file of an attention snapshot (safetensors, the plain form of version 2), and its numbers in the run's event."""

from __future__ import annotations

import json
import struct
from typing import Any, Callable

from .attention import Capture
from .numbers import cut

ENTROPY = {
    "name": "entropy",
    "title": "entropy",
    "meaning": "1 = uniform over the keys a query may look at, 0 = all weight on one key",
    "range": [0, 1],
    "names": {"title": "uniform", "atLeast": 0.98},
    "role": "entropy",
}
CONFIDENCE = {"name": "confidence", "title": "confidence", "meaning": "mean of each row's largest weight", "range": [0, 1]}
PREVIOUS = {"name": "previous", "title": "previous token", "meaning": "weight on the token before", "range": [0, 1], "names": {"title": "previous token", "atLeast": 0.4}}
HALF_FROM_BYTES = 1 << 20
"""Larger maps are kept as 16-bit numbers."""
LIKELIEST = 5


def is_causal(layers: list[tuple[str, Any]]) -> bool:
    """No query looks at a key after its own."""
    return all(w.shape[-1] >= w.shape[-2] > 1 and not bool(w.triu(w.shape[-1] - w.shape[-2] + 1).any()) for _, w in layers)


def snapshot_of(
    found: Capture,
    step: int,
    labels: list[list[str]] | None,
    ids: Any,
    vocabulary: Callable[[int], str] | None,
) -> tuple[bytes, dict[str, Any]]:
    """The file, and the fields `layers`, `examples` and `signals` of the event.

    labels: text of each token of each example. ids: token ids [examples, tokens] or None. vocabulary: text of each id; with both, the model's next predictions are stored too.
    """
    import torch

    layers = found.layers
    count = min(w.shape[0] for _, w in layers)
    causal = is_causal(layers)
    tensors: dict[str, Any] = {}
    big = sum(w[:count].numel() for _, w in layers) * 4 > HALF_FROM_BYTES
    shapes = []
    for i, (name, weights) in enumerate(layers):
        weights = weights[:count]
        tensors[f"attention.{i}"] = (weights.half() if big else weights).cpu()
        shapes.append({"name": cut(name, 128), "heads": weights.shape[1], "queries": weights.shape[2], "keys": weights.shape[3]})
    described, values = _signals([w[:count] for _, w in layers], causal)
    for spec in described:
        for i, v in enumerate(values[spec["name"]]):
            tensors[f"signal.{spec['name']}.{i}"] = v
    about: dict[str, Any] = {"version": 2, "step": step, "layers": shapes, "causal": causal, "signals": described}
    axes = [{"kind": "text", "items": [cut(t, 256) for t in one]} for one in (labels or [])[:count]]
    about["axes"] = axes
    about["examples"] = [{"keys": e, "queries": e} if e < len(axes) else {"keys": None, "queries": None} for e in range(count)]
    logits = _logits(found.output)
    if logits is not None and ids is not None and vocabulary is not None and logits.shape[:2] == ids.shape[:2]:
        best = torch.softmax(logits[:count].float(), -1).topk(min(LIKELIEST, logits.shape[-1]), dim=-1)
        targets = torch.full(ids[:count].shape, -1, dtype=torch.int32)
        if causal:
            targets[:, :-1] = ids[:count, 1:].int().cpu()
        tensors["targets"] = targets
        tensors["predictions.ids"] = best.indices.int().cpu()
        tensors["predictions.probabilities"] = best.values.float().cpu()
        about["answers"] = {"kind": "tokens"}
        used = sorted({int(i) for i in best.indices.flatten().tolist()} | {i for i in targets.flatten().tolist() if i >= 0})
        about["vocabulary"] = [[i, cut(vocabulary(i), 256)] for i in used]
        about["words"] = {"item": "token", "target": "next token"}
    event = {
        "layers": shapes,
        "examples": count,
        "signals": [
            {"name": spec["name"], **({"role": spec["role"]} if "role" in spec else {}), "values": [n for v in values[spec["name"]] for n in v.mean(0).tolist()]}
            for spec in described
        ],
    }
    return safetensors(tensors, {"headroom": json.dumps(about)}), event


def _signals(layers: list[Any], causal: bool) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    """The signals of each head: declarations, and per signal and layer [examples, heads]."""
    import torch

    out: dict[str, list[Any]] = {"entropy": [], "confidence": []}
    uniform: dict[str, list[float | None]] = {"confidence": [], "previous": []}
    if causal:
        out["previous"] = []
    for w in layers:
        queries, keys = w.shape[-2:]
        allowed = torch.arange(1, queries + 1, device=w.device).float() + (keys - queries) if causal else torch.full((queries,), float(keys), device=w.device)
        entropy = torch.special.entr(w).sum(-1)
        several = allowed > 1
        out["entropy"].append((entropy[..., several] / allowed[several].log()).mean(-1) if bool(several.any()) else w.new_zeros(w.shape[:2]))
        out["confidence"].append(w.amax(-1).mean(-1))
        uniform["confidence"].append(float((1 / allowed).mean()))
        if causal:
            before = torch.diagonal(w, keys - queries - 1, -2, -1)
            out["previous"].append(before.mean(-1) if before.shape[-1] else w.new_zeros(w.shape[:2]))
            uniform["previous"].append(float((1 / allowed[queries - before.shape[-1] :]).mean()) if before.shape[-1] else None)
    described: list[dict[str, Any]] = [{**ENTROPY, "baseline": None}, {**CONFIDENCE, "baseline": uniform["confidence"]}]
    if causal:
        described.append({**PREVIOUS, "baseline": uniform["previous"], "main": True})
    return described, {name: [v.cpu() for v in values] for name, values in out.items()}


def _logits(output: Any) -> Any:
    first: Any = getattr(output, "logits", output[0] if isinstance(output, (tuple, list)) and output else output)
    return first if getattr(first, "ndim", 0) == 3 and first.is_floating_point() else None


def safetensors(tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """A safetensors file of torch tensors."""
    import torch

    names = {torch.float32: "F32", torch.float16: "F16", torch.int32: "I32", torch.uint8: "U8"}
    header: dict[str, Any] = {"__metadata__": metadata}
    parts = []
    at = 0
    for name, tensor in tensors.items():
        data = bytes(tensor.contiguous().view(torch.uint8).numpy())
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])
