"""Captures the attention of a torch model on a batch, without a change to most models.

One forward pass without gradients captures: `torch.nn.functional.scaled_dot_product_attention` (most models, and Hugging Face's "sdpa"),
`nn.MultiheadAttention` and modules that use it, and the maps that a module returns beside its result (Hugging Face's "eager"). Other attention that is written by hand is
captured with one line in the model's forward, which does nothing outside such a pass:

    headroom.record_attention(weights)     # [batch, heads, queries, keys], after the softmax
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

from .wrappers import own_names, unwrapped

_capturing: "Capture | None" = None


@dataclass
class Capture:
    layers: list[tuple[str, Any]] = field(default_factory=list)
    """Name, and weights [batch, heads, queries, keys] as float32 where the model is."""
    output: Any = None
    examples: int = 8
    _modules: list[tuple[str, int]] = field(default_factory=list)
    """The modules that are running, each with the number of layers that had been found before."""

    def add(self, weights: Any, name: str | None = None) -> None:
        if weights.ndim == 3:
            weights = weights[:, None]
        weights = weights[(None,) * (4 - weights.ndim)] if weights.ndim < 4 else weights.flatten(0, -4)
        own = name or (self._modules[-1][0] if self._modules else "") or "attention"
        same = sum(1 for known, _ in self.layers if known.split("#")[0] == own)
        kept = weights[: self.examples].detach().float().nan_to_num(0.0)
        self.layers.append((f"{own}#{same + 1}" if same else own, kept))


def record_attention(weights: Any, name: str | None = None) -> None:
    """Called in a model's forward with its attention after the softmax, [batch, heads, queries, keys]. Costs nothing unless `run.watch` is capturing."""
    if _capturing is not None:
        _capturing.add(weights, name)


def capture(model: Any, probe: Any, examples: int = 8) -> Capture:
    """Runs `model` on `probe` (the arguments: a dict by name, a tuple in order, else the only one) in evaluation mode.

    Training is not changed: modes and the states of the random number generators are restored. Raises the model's errors.
    """
    global _capturing
    import torch

    inner = unwrapped(model)
    found = Capture(examples=examples)
    modes = [(m, m.training) for m in inner.modules()]
    devices = {p.device for p in inner.parameters() if p.device.type == "cuda"}
    fast_path = torch.backends.mha.get_fastpath_enabled()
    hooks = list(_follow_modules(inner, found))
    arguments = _arguments(probe, next((p.device for p in inner.parameters()), torch.device("cpu")))
    try:
        _capturing = found
        inner.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.no_grad(), torch.random.fork_rng(devices=list(devices)), torch.compiler.set_stance("force_eager"), _interceptor(found):
            found.output = inner(*arguments[0], **arguments[1])
    finally:
        _capturing = None
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
    return found


def _arguments(probe: Any, device: Any) -> tuple[list[Any], dict[str, Any]]:
    def moved(value: Any) -> Any:
        return value.to(device) if hasattr(value, "to") and hasattr(value, "device") else value

    if isinstance(probe, Mapping):
        return [], {str(k): moved(v) for k, v in probe.items()}
    return [moved(v) for v in probe] if isinstance(probe, (tuple, list)) else [moved(probe)], {}


def _follow_modules(model: Any, found: Capture) -> Iterator[Any]:
    """Hooks that keep the name of the innermost module that is running, and find the attention that a module returns beside its result."""

    def leave(_module: Any, _args: Any, output: Any) -> None:
        name, before = found._modules[-1]
        if len(found.layers) == before and isinstance(output, (tuple, list)):
            for value in output[1:]:
                if _is_attention(value):
                    found.add(value, name)
        found._modules.pop()

    own = own_names(model)
    for path, module in model.named_modules():
        yield module.register_forward_pre_hook(lambda _module, _args, name=own(path): found._modules.append((name, len(found.layers))))
        yield module.register_forward_hook(leave, always_call=True)


def _is_attention(value: Any) -> bool:
    """Whether a value is [batch, heads, queries, keys] after a softmax: each row sums to 1, or is masked."""
    if getattr(value, "ndim", 0) != 4 or not value.is_floating_point() or value.shape[-1] < 2:
        return False
    rows = value.detach().float().sum(-1)
    return bool((value >= 0).all() and ((rows - 1).abs() < 0.02).logical_or(rows == 0).all() and (rows > 0).any())


def _interceptor(found: Capture) -> Any:
    import torch
    from torch.nn import functional
    from torch.overrides import TorchFunctionMode

    def dot_product(
        query: Any,
        key: Any,
        value: Any,
        attn_mask: Any = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:
        """Scaled dot product attention as in torch's documentation."""
        if enable_gqa:
            key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
            value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
        scores = (query.float() @ key.float().transpose(-2, -1)) * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
        if is_causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~allowed, -math.inf)
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
        weights = scores.softmax(-1).nan_to_num(0.0)
        found.add(weights)
        return weights.to(value.dtype) @ value

    class Interceptor(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if function is functional.scaled_dot_product_attention:
                return dot_product(*args, **kwargs)
            if function is functional.multi_head_attention_forward:
                asked = {"need_weights": kwargs.get("need_weights", True), "average": kwargs.get("average_attn_weights", True)}
                weights: Any
                output, weights = function(*args, **{**kwargs, "need_weights": True, "average_attn_weights": False})
                # Without a batch the weights are [heads, queries, keys].
                found.add(weights if weights.ndim == 4 else weights[None])
                if not asked["need_weights"]:
                    return output, None
                return output, weights.mean(dim=-3) if asked["average"] else weights
            return function(*args, **kwargs)

    return Interceptor()
