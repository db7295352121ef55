"""`run.watch`: gradient norms, and the attention of a model however it computes it."""

from __future__ import annotations

import gzip
import json
import math
import struct
import time
import urllib.request

import headroom
import pytest
from conftest import wait_for

torch = pytest.importorskip("torch", reason="torch is not installed: watching a model is not tested")
from headroom.attention import capture  # noqa: E402
from headroom.cadence import Cadence  # noqa: E402
from headroom.snapshot import is_causal, safetensors  # noqa: E402
from torch.nn import functional as F  # noqa: E402

WORDS = ["once", "upon", "a", "time", "there", "was"]


class Block(torch.nn.Module):
    """Causal attention in one of three ways, which give the same."""

    def __init__(self, way: str, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.way, self.heads = way, heads
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.out = torch.nn.Linear(width, width)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (part.view(B, T, self.heads, C // self.heads).transpose(1, 2) for part in self.qkv(x).split(C, dim=2))
        if self.way == "function":
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1)) / math.sqrt(C // self.heads)
            weights = scores.masked_fill(~torch.ones(T, T, dtype=torch.bool).tril(), -math.inf).softmax(-1)
            if self.way == "by hand":
                headroom.record_attention(weights)
            y = weights @ v
        return x + self.out(y.transpose(1, 2).reshape(B, T, C))


class Model(torch.nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.embed = torch.nn.Embedding(len(WORDS), 8)
        self.blocks = torch.nn.ModuleList([Block(way), Block(way)])
        self.dropout = torch.nn.Dropout(0.5)
        self.head = torch.nn.Linear(8, len(WORDS))

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = self.dropout(block(x))
        return self.head(x)


IDS = torch.tensor([[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])


def blob(server, event) -> tuple[dict, dict]:
    """Description and tensors of a stored snapshot."""
    request = urllib.request.Request(f"{server.url}/api/blobs/{event['blob']['hash']}", headers={"authorization": f"Bearer {server.token}"})
    with urllib.request.urlopen(request) as answer:
        data = answer.read()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    about = json.loads(header.pop("__metadata__")["headroom"])
    kinds = {"F32": torch.float32, "F16": torch.float16, "I32": torch.int32}
    tensors = {}
    for name, one in header.items():
        begin, end = (8 + length + offset for offset in one["data_offsets"])
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=kinds[one["dtype"]]).reshape(one["shape"])
    return about, tensors


@pytest.mark.parametrize("way", ["function", "by hand"])
def test_the_maps_are_those_that_the_model_computes(way):
    found = capture(Model(way), IDS)
    assert [name for name, _ in found.layers] == ["blocks.0", "blocks.1"]
    model = Model("by hand").eval()
    kept = []
    real, headroom.record_attention = headroom.record_attention, kept.append
    try:
        output = model(IDS)
    finally:
        headroom.record_attention = real
    for (_, found_map), own in zip(found.layers, kept):
        assert torch.allclose(found_map, own, atol=1e-6)
    assert torch.allclose(found.output, output, atol=1e-5)
    assert is_causal(found.layers)


def test_the_maps_of_multihead_attention_and_of_what_is_built_of_it():
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    encoder = torch.nn.TransformerEncoder(layer, 2)
    x = torch.randn(3, 5, 8)
    found = capture(encoder, x)
    assert [name for name, _ in found.layers] == ["layers.0.self_attn", "layers.1.self_attn"]
    _, own = encoder.layers[0].self_attn(x, x, x, need_weights=True, average_attn_weights=False)
    assert found.layers[0][1].shape == (3, 2, 5, 5)
    assert torch.allclose(found.layers[0][1], own, atol=1e-6)
    # As torch's, which drops the maps, computes it.
    assert torch.allclose(found.output, encoder.eval()(x), atol=1e-5)
    plain = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    assert capture(plain, (x, x, x)).layers[0][1].shape == (3, 2, 5, 5)


def test_attention_that_a_module_returns_and_attention_of_other_shapes_is_found():
    class Returned(torch.nn.Module):
        def forward(self, x):
            weights = (x @ x.transpose(-2, -1)).softmax(-1)
            return weights @ x, None, weights

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Returned()

        def forward(self, x):
            return self.inner(x)[0], x

    x = torch.randn(3, 2, 5, 4)
    ((name, weights),) = capture(Both(), x).layers
    assert (name, weights.shape) == ("inner", (3, 2, 5, 5))
    assert torch.allclose(weights, (x @ x.transpose(-2, -1)).softmax(-1))
    plain = torch.nn.MultiheadAttention(8, 2)
    without_batch = torch.randn(5, 8)
    assert capture(plain, (without_batch,) * 3).layers[0][1].shape == (1, 2, 5, 5)

    class Windows(torch.nn.Module):
        def forward(self, x):
            return F.scaled_dot_product_attention(x, x, x)

    assert capture(Windows(), torch.randn(3, 2, 2, 5, 4)).layers[0][1].shape == (6, 2, 5, 5)


def test_a_vocabulary_with_gaps_tokens_of_another_length_and_sparse_gradients_stop_nothing(init, server, capfd):
    model = Model("function")
    model.embed = torch.nn.Embedding(len(WORDS), 8, sparse=True)
    run = init(name="gaps")
    run.watch(model, every=1, probe=IDS, vocabulary={0: "zero"}, tokens=[["a"]], attention_every=1)
    room = run.attach()
    for _ in range(2):
        model.zero_grad()
        model(IDS).sum().backward()
        room.step()
    run.finish()
    record = server.record(run.id)
    assert (record.alerts(), len(record.of_type("snapshot"))) == ([], 2)
    assert len(record.series("grad_norm/embed.weight")) == 2
    assert "tokens: example 0 has 1 texts, but the attention has 6 keys: they are not shown" in capfd.readouterr().err


@pytest.mark.parametrize("way", ["sdpa", "eager"])
def test_the_maps_of_a_hugging_face_model(way):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: its attention is not tested")
    config = transformers.GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2)
    model = transformers.GPT2LMHeadModel._from_config(config, attn_implementation=way)
    ids = torch.arange(10).reshape(1, 10)
    found = capture(model, {"input_ids": ids})
    eager = transformers.GPT2LMHeadModel._from_config(config, attn_implementation="eager").eval()
    eager.load_state_dict(model.state_dict())
    expected = eager(input_ids=ids, output_attentions=True).attentions
    assert len(found.layers) == 2
    for (_, own), other in zip(found.layers, expected):
        assert torch.allclose(own, other, atol=1e-6)


@pytest.mark.parametrize("targets", [7, 5])
def test_tokens_of_an_encoder_and_a_decoder_are_not_taken_for_each_other(init, server, capfd, targets):
    transformers = pytest.importorskip("transformers")
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0)
    )
    probe = {"input_ids": torch.arange(7)[None], "labels": torch.arange(targets)[None]}
    run = init(name=f"seq2seq {targets}")
    watch = run.watch(model, probe=probe, vocabulary=str)
    kept = []
    run._out.keep, keep = (lambda data: kept.append(data) or keep(data)), run._out.keep
    assert watch.look(0, "cadence")
    run.finish()
    length = int.from_bytes(kept[0][:8], "little")
    about = json.loads(json.loads(kept[0][8 : 8 + length])["__metadata__"]["headroom"])
    alike = targets == 7
    assert about["axes"] == ([] if alike else [{"kind": "text", "items": list("0123456")}])
    assert "answers" not in about
    assert ("give a target of another length" in capfd.readouterr().err) == alike


def test_training_goes_on_as_if_nobody_had_looked():
    def trained(look: bool) -> list[float]:
        model = Model("function")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        torch.manual_seed(7)
        losses = []
        for _ in range(5):
            loss = F.cross_entropy(model(IDS).flatten(0, 1), IDS.flatten())
            loss.backward()
            if look:
                capture(model, IDS)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        assert model.training and all(m.training for m in model.modules())
        return losses

    assert trained(True) == trained(False)


def test_snapshots_reach_the_server_with_tokens_predictions_and_signals(init, server):
    model = Model("function")
    run = init(name="attention")
    run.watch(model, every=2, probe=IDS, vocabulary=WORDS, attention_every=3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    room = run.attach(optimizer=optimizer)
    for _ in range(7):
        loss = F.cross_entropy(model(IDS).flatten(0, 1), IDS.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        room.step(loss=loss)
    wait_for("the run", lambda: run.id and server.record(run.id).of_type("started"))
    assert server.command(run.id, kind="act", id="look-now", action="snapshot", args={})["ok"]
    wait_for("the command", lambda: run._commands._inbox)
    room.step()
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == []
    snapshots = record.of_type("snapshot")
    assert [(s["step"], s["trigger"]) for s in snapshots] == [(0, "cadence"), (3, "cadence"), (6, "cadence"), (8, "command")]
    assert [s for s, _ in record.series("grad_norm/head.weight")] == [0, 2, 4, 6]
    last = snapshots[-1]
    assert (last["examples"], [x["name"] for x in last["layers"]]) == (2, ["blocks.0", "blocks.1"])
    assert [(s["name"], len(s["values"])) for s in last["signals"]] == [("entropy", 4), ("confidence", 4), ("previous", 4)]


def test_the_file_of_a_snapshot_describes_itself(tmp_path):
    found = capture(Model("function"), IDS)
    from headroom.snapshot import snapshot_of

    data, event = snapshot_of(found, 4, [[WORDS[i] for i in one] for one in IDS.tolist()], IDS, WORDS.__getitem__)
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    about = json.loads(header["__metadata__"]["headroom"])
    assert (about["version"], about["step"], about["causal"], about["answers"]) == (2, 4, True, {"kind": "tokens"})
    assert about["axes"][1] == {"kind": "text", "items": WORDS[::-1]}
    assert about["vocabulary"] == [[i, word] for i, word in enumerate(WORDS)]
    assert header["attention.1"]["shape"] == [2, 2, 6, 6] and header["targets"]["shape"] == [2, 6]
    # The first query has one key only; of a uniform map every later row has entropy 1.
    uniform = type(found)(layers=[("u", torch.ones(1, 1, 4, 4).tril() / torch.arange(1.0, 5).reshape(4, 1))])
    _, event = snapshot_of(uniform, 0, None, None, None)
    assert event["signals"][0]["values"] == [pytest.approx(1.0)]
    assert event["signals"][1]["values"] == [pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)]
    assert event["signals"][2]["values"] == [pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)]
    assert safetensors({"a": torch.tensor([1.0])}, {})[-4:] == struct.pack("<f", 1.0)


def test_a_model_without_attention_is_told_once_and_training_goes_on(init, capfd):
    model = torch.nn.Linear(2, 1)
    run = init(name="no attention")
    run.watch(model, probe=torch.ones(1, 2), attention_every=1)
    room = run.attach()
    assert all(room.step() for _ in range(5))
    assert capfd.readouterr().err.count("no attention was found") == 1


def test_the_cadence_grows_until_a_measurement_takes_its_share_of_the_time():
    now = [0.0]
    cadence = Cadence(None, 10)
    real, time.perf_counter = time.perf_counter, lambda: now[0]
    try:
        measured = []
        for step in range(20_000):
            now[0] += 0.001
            if cadence.due(step):
                measured.append(step)
                with cadence:
                    now[0] += 0.01
    finally:
        time.perf_counter = real
    # 10 ms each must be at most 1 % of the time: every 1,000 ms, which are 1,000 steps, and doubled from 10: 1,280.
    assert cadence.every == 1280
    assert measured[:4] == [0, 10, 1280, 2560]
    assert Cadence(7, 10).every == 7
