"""Every block of code in the client's README does what it says, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from conftest import LIMIT_S, ROOT

README = (ROOT / "trainer/python/README.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^\*\*([^*]+)\*\*[^\n]*\n(?:(?!```)[^\n]+\n)*```python\n(.*?)```", README, re.M | re.S))


def test_each_block_is_found():
    assert list(BLOCKS) == ["PyTorch", "Hugging Face Trainer", "Lightning", "Keras 3", "accelerate", "A script for wandb", "A script for TensorBoard"]
    assert README.count("```python") == len(BLOCKS)


@pytest.fixture
def do(server, monkeypatch, tmp_path):
    """Runs a block with the names that a script has before it, and gives what the server has of the run with the name."""
    for name, value in {"SERVER": server.url, "TRAINER_TOKEN": server.token, "SPOOL": str(tmp_path / "spool")}.items():
        monkeypatch.setenv(f"HEADROOM_{name}", value)
    monkeypatch.chdir(tmp_path)

    def done(block: str, name: str, after: str = "", **script):
        before = {r["runId"] for r in server.runs()}
        exec(BLOCKS[block] + after, script)
        (run,) = [r for r in server.runs() if r["runId"] not in before and r["name"] == name]
        record = server.record(run["runId"])
        assert (record.status, record.alerts()) == ("finished", [])
        return record

    return done


def linear():
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(4, 1)
    return torch, model, torch.optim.SGD(model.parameters(), lr=0.1)


def test_pytorch(do):
    torch, model, optimizer = linear()

    def train_step(batch):
        optimizer.zero_grad()
        loss = model(batch).pow(2).mean()
        loss.backward()
        return loss

    loader = torch.utils.data.DataLoader(torch.randn(40, 4), batch_size=4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    record = do("PyTorch", "char gpt", "run.finish()", loader=loader, optimizer=optimizer, scheduler=scheduler, model=model, train_step=train_step)
    assert [step for step, _ in record.series("loss")] == list(range(10))
    assert record.run["setup"]["project"] == "lm"


@pytest.mark.filterwarnings("ignore")
def test_hugging_face(do, tmp_path):
    torch, _, _ = linear()
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=16, n_positions=8, n_embd=8, n_layer=1, n_head=2)
    data = [{"input_ids": torch.arange(8), "labels": torch.arange(8)} for _ in range(8)]
    args = transformers.TrainingArguments(output_dir=str(tmp_path), max_steps=3, logging_steps=1, report_to=[], use_cpu=True, disable_tqdm=True)
    record = do("Hugging Face Trainer", "gpt2", model=transformers.GPT2LMHeadModel(config), args=args, data=data, Trainer=transformers.Trainer)
    assert [step for step, _ in record.series("loss")] == [1, 2, 3]


@pytest.mark.filterwarnings("ignore")
def test_lightning(do):
    torch, model, _ = linear()
    lightning = pytest.importorskip("lightning.pytorch")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = model

        def training_step(self, batch, index):
            loss = self.layer(batch).pow(2).mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    loader = torch.utils.data.DataLoader(torch.randn(200, 4), batch_size=4)
    quiet = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    record = do("Lightning", "char gpt", module=Module(), loader=loader, Trainer=lambda **given: lightning.Trainer(**given, **quiet))
    assert [step for step, _ in record.series("loss")] == [49]


def test_keras(do):
    keras = pytest.importorskip("keras")
    numpy = pytest.importorskip("numpy")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    x, y = numpy.ones((64, 4)), numpy.ones((64, 1))
    record = do("Keras 3", "cnn", x=x, y=y, held_out=(x, y), model=model)
    assert [step for step, _ in record.series("loss")] == [0, 1]
    assert [e["split"] for e in record.of_type("evaluation")] == ["validation"]


def test_accelerate(do):
    accelerate = pytest.importorskip("accelerate")
    record = do("accelerate", "fine-tuning", Accelerator=accelerate.Accelerator, loss=0.5)
    assert (record.series("loss"), record.run["setup"]["config"]) == ([(0, 0.5)], {"lr": 1e-4})


def test_wandb(do):
    after = "\nrun = wandb.init(project='lm', name='changed line')\nwandb.log({'loss': 1.0})\nwandb.finish()"
    assert do("A script for wandb", "changed line", after).series("loss") == [(0, 1.0)]


def test_tensorboard(do):
    after = "\nwriter = SummaryWriter('runs/first')\nwriter.add_scalar('loss', 1.0, 5)\nwriter.close()"
    assert do("A script for TensorBoard", "first", after).series("loss") == [(5, 1.0)]


def test_the_command_that_follows_files(server, tmp_path):
    tensorboard = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.compat.proto import event_pb2, summary_pb2

    (line,) = re.findall(r"^headroom (watch runs/)", README, re.M)
    writer = tensorboard.EventFileWriter(str(tmp_path / "runs/first of the README"))
    writer.add_event(event_pb2.Event(step=1, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=0.5)])))
    writer.close()
    env = {**os.environ, "HEADROOM_SERVER": server.url, "HEADROOM_TRAINER_TOKEN": server.token, "PYTHONPATH": str(ROOT / "trainer/python")}
    subprocess.run([sys.executable, "-m", "headroom.cli", *line.split(), "--once"], cwd=tmp_path, env=env, check=True, timeout=LIMIT_S)
    (run,) = [r for r in server.runs() if r["name"] == "first of the README"]
    assert server.record(run["runId"]).series("loss") == [(1, 0.5)]
