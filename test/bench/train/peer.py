"""The PyTorch side of `npm run bench -- train --vs-pytorch`: python3 peer.py '{"threads": 2, "shape": {...}, "batchSize": ..., "hyper": {...}}'.

Prints one JSON line when ready; then, for every line "N" on its input, runs N steps and prints {"ms": [N times], "rssMb": ...}. A step is the same
as ours: inputs from arrays, forward, loss, backward, global norm, clipping, Adam, and loss, accuracy and norm read as numbers. Options: "device" ("cpu",
"cuda"; f32 without TF32), "compile" (torch.compile; else eager).
"""
import json, math, resource, sys, time

import torch
import torch.nn as nn
import torch.nn.functional as F

options = json.loads(sys.argv[1])
shape, hyper = options["shape"], options["hyper"]
device, compiles = options.get("device", "cpu"), options.get("compile", False)
torch.set_num_threads(options["threads"])
torch.backends.cuda.matmul.allow_tf32 = False
torch.set_flush_denormal(True)
torch.manual_seed(1)
rate = hyper["dropout"]


class SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv_proj = nn.Linear(dim, 3 * dim)
        self.o_proj = nn.Linear(dim, dim)
        t = shape["seqLen"]
        self.register_buffer("future", torch.ones(t, t).triu(1).bool())

    def forward(self, x):
        b, t, d = x.shape
        hd = d // self.heads
        q, k, v = self.qkv_proj(x).view(b, t, self.heads, 3 * hd).permute(0, 2, 1, 3).split(hd, dim=-1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(hd)
        if shape.get("causal"):
            scores = scores.masked_fill(self.future, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        return self.o_proj((weights @ v).permute(0, 2, 1, 3).reshape(b, t, d))


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.self_attn = SelfAttention(dim, heads)
        self.linear_net = nn.Sequential(nn.Linear(dim, 2 * dim), nn.Dropout(rate), nn.ReLU(), nn.Linear(2 * dim, dim))
        self.norm1, self.norm2, self.dropout = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.Dropout(rate)

    def forward(self, x):
        x = self.norm1(x + self.dropout(self.self_attn(x)))
        return self.norm2(x + self.dropout(self.linear_net(x)))


class Predictor(nn.Module):
    def __init__(self):
        super().__init__()
        d = shape["modelDim"]
        learned = shape["input"] == "learned"
        self.embedding = nn.Embedding(shape["inputDim"], d) if learned else nn.Identity()
        self.input_net = nn.Sequential(nn.Dropout(hyper["inputDropout"]), nn.Linear(d if learned else shape["inputDim"], d))
        self.layers = nn.ModuleList(Layer(d, shape["heads"]) for _ in range(shape["layers"]))
        self.output_net = nn.Sequential(nn.Linear(d, d), nn.LayerNorm(d), nn.ReLU(), nn.Dropout(rate), nn.Linear(d, shape["outputDim"]))
        t = shape["seqLen"]
        position = torch.arange(t, dtype=torch.float32)[:, None]
        speed = torch.exp(torch.arange(0, d, 2).float() * (-math.log(10000.0) / d))
        table = torch.zeros(t, d)
        table[:, 0::2] = torch.sin(position * speed)
        table[:, 1::2] = torch.cos(position * speed)
        self.register_buffer("positions", table)

    def forward(self, x):
        x = self.input_net(self.embedding(x))
        if shape["positional"]:
            x = x + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.output_net(x)


model = Predictor().to(device).train()
predict = torch.compile(model) if compiles else model
adam = torch.optim.Adam(model.parameters(), lr=hyper["learningRate"])
size, seq, classes = options["batchSize"], shape["seqLen"], shape["outputDim"]
ids = shape["input"] != "features"
batches = []
for _ in range(16):
    if ids:
        batches.append((torch.randint(0, shape["inputDim"], (size, seq)), torch.randint(0, classes, (size, seq))))
    else:
        batches.append((torch.randn(size, seq, shape["inputDim"]), torch.randint(0, seq, (size,))))
step = 0


def once():
    global step
    start = time.perf_counter()
    x, labels = (part.to(device) for part in batches[step % 16])
    if shape["input"] == "onehot":
        x = F.one_hot(x, shape["inputDim"]).float()
    logits = predict(x)
    rows = logits.reshape(-1, classes) if ids else logits.squeeze(-1)
    loss = F.cross_entropy(rows, labels.reshape(-1))
    accuracy = (rows.argmax(-1) == labels.reshape(-1)).float().mean()
    adam.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), hyper["clip"]["threshold"])
    adam.step()
    loss.item(), accuracy.item(), norm.item()
    step += 1
    return (time.perf_counter() - start) * 1000


for _ in range(5):
    once()
where = f"CPU, {options['threads']} threads" if device == "cpu" else torch.cuda.get_device_name()
mode = "compiled" if compiles else "eager"
print(json.dumps({"device": f"{where}, PyTorch {torch.__version__} {mode}", "version": torch.__version__}), flush=True)
for line in sys.stdin:
    ms = [once() for _ in range(int(line))]
    print(json.dumps({"ms": ms, "rssMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}), flush=True)
