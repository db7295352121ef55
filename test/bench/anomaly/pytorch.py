"""The PyTorch side of `npm run bench -- anomaly --vs-pytorch`: python3 pytorch.py FOLDER, which holds options.json and raw little-endian arrays.

Trains the published model on exactly the sets that the trainer draws, keeps the parameters that are best on the validation sets, and prints their accuracies
as one JSON line: {"validation": .., "test": .., "seconds": ..}. Eager mode.
"""
import copy, json, math, sys, time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

folder = Path(sys.argv[1])
options = json.loads((folder / "options.json").read_text())
size, width, rate = options["setSize"], options["modelDim"], options["dropout"]
torch.set_num_threads(options["threads"])
torch.manual_seed(options["seed"])


def array(name, dtype, *shape):
    return torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=dtype).reshape(*shape)


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv_proj, self.o_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        for layer in (self.qkv_proj, self.o_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        b, t, d = x.shape
        heads = options["heads"]
        q, k, v = self.qkv_proj(x).view(b, t, heads, 3 * d // heads).permute(0, 2, 1, 3).split(d // heads, dim=-1)
        weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(d // heads), dim=-1)
        return self.o_proj((weights @ v).permute(0, 2, 1, 3).reshape(b, t, d))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn = SelfAttention()
        self.linear_net = nn.Sequential(nn.Linear(width, 2 * width), nn.Dropout(rate), nn.ReLU(), nn.Linear(2 * width, width))
        self.norm1, self.norm2, self.dropout = nn.LayerNorm(width), nn.LayerNorm(width), nn.Dropout(rate)

    def forward(self, x):
        x = self.norm1(x + self.dropout(self.self_attn(x)))
        return self.norm2(x + self.dropout(self.linear_net(x)))


model = nn.Sequential(
    nn.Dropout(options["inputDropout"]), nn.Linear(options["featureDim"], width),
    *[Layer() for _ in range(options["layers"])],
    nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(), nn.Dropout(rate), nn.Linear(width, 1),
)
features = {part: array(f"{part}.features", torch.float32, -1, options["featureDim"]) for part in ("train", "test")}
sets = {
    name: (array(f"{name}.sets", torch.int32, -1, size).long(), array(f"{name}.labels", torch.int32, -1).long())
    for name in ("train", "validation", "test")
}


def accuracy(name):
    members, labels = sets[name]
    source = features["test" if name == "test" else "train"]
    model.eval()
    with torch.no_grad():
        right = sum((model(source[members[i:i + 256]])[..., 0].argmax(-1) == labels[i:i + 256]).sum().item() for i in range(0, len(labels), 256))
    model.train()
    return right / len(labels)


start = time.time()
batch, epoch_steps = options["batchSize"], options["stepsPerEpoch"]
total = epoch_steps * options["epochs"]
adam = torch.optim.Adam(model.parameters(), lr=options["learningRate"])
best, kept = -1.0, None
members, labels = sets["train"]
for step in range(total):
    warm = min(1.0, step / options["warmupSteps"]) if options["warmupSteps"] else 1.0
    for group in adam.param_groups:
        group["lr"] = options["learningRate"] * 0.5 * (1 + math.cos(math.pi * step / total)) * warm
    at = slice(step * batch, (step + 1) * batch)
    loss = F.cross_entropy(model(features["train"][members[at]])[..., 0], labels[at])
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip"])
    adam.step()
    if (step + 1) % epoch_steps == 0:
        reached = accuracy("validation")
        if reached > best:
            best, kept = reached, copy.deepcopy(model.state_dict())
model.load_state_dict(kept)
print(json.dumps({"validation": best, "test": accuracy("test"), "seconds": time.time() - start}))
