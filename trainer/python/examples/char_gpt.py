"""A character GPT, trained from nothing on the text of a file, with its attention to be looked at while it learns.

    python char_gpt.py [FILE]         (the text; left out: this script)

Needs torch. Open the run's page: change the learning rate or the clip value, pause, press "Evaluate", look at the heads.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import headroom
import torch
from torch import nn
from torch.nn import functional as F

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("file", nargs="?", default=__file__)
options.add_argument("--steps", type=int, default=2000)
options.add_argument("--layers", type=int, default=3)
options.add_argument("--heads", type=int, default=4)
options.add_argument("--width", type=int, default=96)
options.add_argument("--context", type=int, default=64)
options.add_argument("--batch", type=int, default=24)
options.add_argument("--lr", type=float, default=1e-3)
options.add_argument("--name", default="char gpt")
args = options.parse_args()

text = Path(args.file).read_text("utf-8")
letters = sorted(set(text))
ids = torch.tensor([letters.index(c) for c in text])
held_out = ids[-max(args.context + 1, len(ids) // 10) :]
training = ids[: -len(held_out)]


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.shape
        q, k, v = (part.view(B, T, self.heads, C // self.heads).transpose(1, 2) for part in self.attention(self.before(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(x)


class Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(len(letters), args.width)
        self.places = nn.Embedding(args.context, args.width)
        self.blocks = nn.ModuleList([Block(args.width, args.heads) for _ in range(args.layers)])
        self.last = nn.LayerNorm(args.width)
        self.head = nn.Linear(args.width, len(letters))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.last(x))


def batch(source: torch.Tensor) -> torch.Tensor:
    starts = torch.randint(len(source) - args.context, (args.batch,))
    return torch.stack([source[s : s + args.context + 1] for s in starts]).to(device)


def loss_of(some: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())


@torch.no_grad()
def evaluate() -> str:
    model.eval()
    loss = torch.stack([loss_of(batch(held_out)) for _ in range(8)]).mean().item()
    written = held_out[None, :1].to(device)
    for _ in range(200):
        chances = F.softmax(model(written[:, -args.context :])[0, -1], -1)
        written = torch.cat([written, torch.multinomial(chances, 1)[None]], 1)
    model.train()
    run.evaluation("held out", {"loss": loss, "perplexity": math.exp(loss)}, main="loss", goal="minimize")
    run.text("written", "".join(letters[i] for i in written[0].tolist()))
    return f"held-out loss {loss:.3f}"


torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
model = Gpt().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.1)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps + 1, pct_start=0.1)

with headroom.init(project="examples", name=args.name, config=vars(args)) as run:
    run.watch(model, probe=held_out[None, : args.context], vocabulary=letters)
    room = run.attach(optimizer=optimizer, scheduler=scheduler, model=model, clip=1.0, evaluate=evaluate)
    for step in range(args.steps):
        loss = loss_of(batch(training))
        optimizer.zero_grad()
        loss.backward()
        room.clip_gradients()
        optimizer.step()
        scheduler.step()
        if step % 200 == 199:
            evaluate()
        if not room.step(loss=loss):
            break
