"""Measures inside a model while it trains: the norms of its gradients, and its attention on a fixed batch."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping, Sequence

from .attention import capture
from .cadence import Cadence
from .numbers import cut
from .run import Run
from .snapshot import snapshot_of
from .wrappers import is_sharded, own_names, unwrapped

ATTENTION_EVERY = 100
GRADIENTS_EVERY = 10


class Watch:
    """Made by `run.watch(model, ...)`; measures in `room.step`.

    every: steps between two measurements of the gradient norms of all parameters. Default: 10, or more where they would take more than 1 % of the time.
    probe: the batch for the attention (the model's arguments: a dict by name, a tuple in order, else the only one). See attention.py for what is captured.
    tokens: text of each token of each example. vocabulary: a tokenizer, a list or dict of texts by id, or a function of the id; then the labels are made from the
    first whole numbers [batch, tokens] in `probe`, and the model's next predictions are shown. attention_every: as `every`; default: 100, or more.
    examples: number of examples of the batch that are kept. gradients=False: no norms.
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        every: int | None = None,
        *,
        probe: Any = None,
        tokens: Sequence[Sequence[str]] | None = None,
        vocabulary: Any = None,
        attention_every: int | None = None,
        examples: int = 8,
        gradients: bool = True,
    ) -> None:
        self._run = run
        self._model = model
        self._gradients = Cadence(every, GRADIENTS_EVERY)
        parameters = getattr(model, "named_parameters", None) if gradients else list
        if parameters is None:
            run._out.warn(f"watch: model: {type(model).__name__} is no torch module; its gradient norms are not measured")
        own = own_names(model) if hasattr(model, "named_modules") else str
        self._is_model = parameters is not None
        number = sum(w._is_model for w in run._watches) + 1
        # A second model (a GAN's) may have parameters of the same names.
        self._group, of = ("gradients", "") if number == 1 else (f"gradients{number}", f"model{number}.")
        self._named = [(of + own(name), p) for name, p in parameters() if p.requires_grad] if parameters else []
        self._measured: int | None = None
        if hasattr(model, "parameters") and any(is_sharded(p) for p in model.parameters()):
            # A sum over the shards, or a forward pass, takes all processes: one that measures alone would wait for the others for ever.
            run._out.warn("watch: model: its parameters are sharded over several processes, so its gradient norms and its attention are not measured")
            self._named, probe = [], None
        self._attention = Cadence(attention_every, ATTENTION_EVERY)
        self._probe = probe
        self._ids = None if probe is None else _token_ids(probe)
        self._vocabulary = _texts(vocabulary)
        if tokens is not None:
            self._labels: list[list[str]] | None = [[str(t) for t in one] for one in tokens]
        elif self._vocabulary is not None and self._ids is not None:
            self._labels = [[self._vocabulary(i) for i in one] for one in self._ids.tolist()]
        else:
            self._labels = None
        self._examples = examples
        run._watches.append(self)
        if probe is not None:
            run.action(self._on_demand, name="snapshot", label="Look at the attention", role="snapshot", help="On the batch that is watched, now.")
        self._step = 0

    def follow_optimizer(self) -> None:
        """Measures before each update of any optimizer that holds these parameters, for scripts without a room."""
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        mine = {id(p) for _, p in self._named}
        updates = -1

        def before_update(optimizer: Any, _args: Any, _kwargs: Any) -> None:
            nonlocal updates
            if self in self._run._watches and any(id(p) in mine for group in optimizer.param_groups for p in group["params"]):
                updates += 1
                self.measure_gradients(updates, self._run._out.step)

        register_optimizer_step_pre_hook(before_update)

    def measure(self, step: int) -> None:
        """Called after the update of `step`, before the gradients are set to zero."""
        self._step = step + 1
        self.measure_gradients(step)
        if self._probe is not None and not self._run._out.ended and self._attention.due(step):
            self.look(step, "cadence")

    def measure_gradients(self, step: int, shown_at: int | None = None) -> None:
        """Called once per step, measures at its cadence; before clipping where the loop clips with `room.clip_gradients`."""
        if not self._named or self._run._out.ended or self._measured == step or not self._gradients.due(step):
            return
        self._measured = step
        try:
            with self._gradients:
                import torch

                grads = [p.grad.coalesce().values() if p.grad.is_sparse else p.grad for _, p in self._named if p.grad is not None]
                norms = iter(torch.stack([n.float().to(grads[0].device) for n in torch._foreach_norm(grads)]).tolist()) if grads else iter(())
                values = {f"grad_norm/{name}": 0.0 if p.grad is None else next(norms) for name, p in self._named}
            self._run.log_group(self._group, values, step if shown_at is None else shown_at, self._columns)
        except Exception as error:
            self._named = []
            self._run._out.warn(f"watch: gradient norms are not measured any more: {error}")

    def _columns(self) -> list[dict[str, Any]]:
        return [
            {"name": cut(f"grad_norm/{name}", 512), "role": "gradNormOf", "of": cut(name, 512), "group": "gradient norm per parameter"}
            for name, _ in self._named
        ]

    def look(self, step: int, trigger: str, command_id: str | None = None) -> bool:
        """Takes a snapshot of the attention. False: this failed; a warning appears once."""
        try:
            with self._attention:
                found = capture(self._model, self._probe, self._examples)
                if not found.layers:
                    raise ValueError(
                        "no attention was found: neither scaled_dot_product_attention nor nn.MultiheadAttention was called; "
                        "call headroom.record_attention(weights) in the model's forward"
                    )
                lengths = {n for _, weights in found.layers for n in weights.shape[2:]}
                for i, one in enumerate(self._labels or ()):
                    if len(one) not in lengths:
                        self._run._out.warn(f"watch: tokens: example {i} has {len(one)} texts, but the attention has {max(lengths)} keys: they are not shown", "tokens")
                labels, ids = self._labels, self._ids
                if len(lengths) == 1 and self._ids is not None and _has_two_sequences(self._model):
                    self._run._out.warn(
                        f"watch: probe: the model's encoder and decoder both have {max(lengths)} tokens, which cannot be told apart: their texts and the predictions "
                        "are not shown; give a target of another length",
                        "two sequences",
                    )
                    labels = ids = None
                data, fields = snapshot_of(found, step, labels, ids, self._vocabulary)
                event = {"type": "snapshot", "step": step, "blob": {"file": self._run._out.keep(data)}, "trigger": trigger, **fields}
                if command_id:
                    event["commandId"] = command_id
                self._run._out.say(event)
            return True
        except Exception as error:
            self._probe = None
            self._run._out.warn(f"watch: attention is not looked at any more: {error}")
            return False

    def _on_demand(self) -> str:
        if self._run._out.ended:
            return "rank 0 looks"
        if self._probe is None or not self.look(self._step, "command", self._run._commands.command_id):
            raise RuntimeError("the attention could not be looked at; the script's output says why")
        return f"attention at step {self._step}"


def _token_ids(probe: Any) -> Any:
    """The first integer tensor [batch, tokens] in the probe."""
    values: Iterable[Any] = probe.values() if isinstance(probe, Mapping) else probe if isinstance(probe, (tuple, list)) else [probe]
    if isinstance(probe, Mapping) and "input_ids" in probe:
        values = [probe["input_ids"]]
    for value in values:
        if getattr(value, "ndim", 0) == 2 and hasattr(value, "is_floating_point") and not value.is_floating_point():
            return value.detach().cpu()
    return None


def _has_two_sequences(model: Any) -> bool:
    """Whether the model has a decoder beside its encoder, as those of Hugging Face say, or is made of torch's."""
    inner = unwrapped(model)
    return bool(getattr(getattr(inner, "config", None), "is_encoder_decoder", False)) or any(type(m).__name__ == "TransformerDecoderLayer" for m in inner.modules())


def _texts(vocabulary: Any) -> Callable[[int], str] | None:
    """The text of a token id; of an id that the vocabulary lacks, the id."""
    if vocabulary is None:
        return None
    read = getattr(vocabulary, "convert_ids_to_tokens", None) or (vocabulary if callable(vocabulary) else vocabulary.__getitem__)

    def text(id: int) -> str:
        try:
            return str(read(id))
        except Exception:
            return str(id)

    return text
