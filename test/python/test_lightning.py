"""Lightning: the logger beside Lightning's own CSV logger, and steering by the callback."""

from __future__ import annotations

import copy
import csv
import pickle
import time

import pytest
from conftest import wait_for
from loops import Steered

torch = pytest.importorskip("torch")
lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed: its logger and callback are not tested")


class Module(lightning.LightningModule):
    def __init__(self, pause: float = 0.0) -> None:
        super().__init__()
        self.save_hyperparameters({"width": 4, "pause": pause})
        self.layer = torch.nn.Linear(4, 1)
        self.pause = pause
        self.rates: list[float] = []
        self.norms: list[float] = []

    def training_step(self, batch, index):
        loss = self.layer(batch).pow(2).mean()
        self.log("train/loss", loss)
        if index % 3 == 0:
            self.log("sometimes", loss * 2)
        return loss

    def test_step(self, batch, index):
        self.log("test/loss", self.layer(batch).pow(2).mean())

    def validation_step(self, batch, index):
        self.log("val/loss", self.layer(batch).pow(2).mean())

    def on_before_optimizer_step(self, optimizer):
        self.rates.append(optimizer.param_groups[0]["lr"])
        self.norms.append(torch.cat([p.grad.flatten() for p in self.parameters() if p.grad is not None]).norm().item())
        time.sleep(self.pause)

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-2)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: 1 / (1 + i / 100))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def data(count: int = 40):
    return torch.utils.data.DataLoader(torch.randn(count, 4, generator=torch.Generator().manual_seed(0)), batch_size=4)


def trainer(tmp_path, logger, **more):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "log_every_n_steps": 1}
    return lightning.Trainer(default_root_dir=str(tmp_path), logger=logger, **{"enable_checkpointing": False, **quiet, **more})


@pytest.mark.filterwarnings("ignore")
def test_every_value_is_the_one_that_lightnings_csv_logger_writes(server, tmp_path, settings):
    from lightning.pytorch.loggers import CSVLogger

    from headroom.lightning import HeadroomLogger

    own = CSVLogger(str(tmp_path), name="csv", flush_logs_every_n_steps=1)
    trainer(tmp_path, [own, HeadroomLogger(project="lightning", name="values", **settings)], max_epochs=3).fit(Module(), data(), data(8))
    (run,) = [r for r in server.runs() if r["name"] == "values"]
    record = server.record(run["runId"])
    assert (record.status, record.alerts()) == ("finished", [])
    expected: dict[str, dict[int, float]] = {}
    with open(f"{own.log_dir}/metrics.csv") as file:
        for row in csv.DictReader(file):
            for name, text in row.items():
                if name != "step" and text:
                    expected.setdefault(name, {})[int(row["step"])] = float(text)
    assert set(expected) == {"train/loss", "sometimes", "val/loss", "epoch"}
    assert {name: dict(record.series(name)) for name in expected} == expected
    assert record.run["setup"]["config"]["width"] == 4


@pytest.mark.filterwarnings("ignore")
def test_a_trainer_is_steered_at_the_named_step_and_validates_while_paused(server, tmp_path, settings):
    from headroom.lightning import HeadroomCallback, HeadroomLogger

    logger = HeadroomLogger(project="lightning", name="steered", **settings)
    module = Module(pause=0.005)
    fit = trainer(tmp_path, logger, callbacks=[HeadroomCallback(logger)], max_epochs=-1, gradient_clip_val=1.0)
    loop = Steered(server, lambda: fit.fit(module, data(), data(8)))
    run_id = loop.begun("steered")
    changed = loop.set("optimizer.lr", 0.05)
    assert (changed["before"], changed["after"]) == (0.01, 0.05)
    clipped = loop.set("clip", 0.25)
    assert clipped["after"] == 0.25 and fit.gradient_clip_val == 0.25
    paused = loop.act("pause")["step"]
    assert len(module.rates) == paused
    before = len(server.record(run_id).series("val/loss"))
    assert loop.act("evaluate")["message"] == f"validated at step {paused}"
    wait_for("the validation", lambda: len(server.record(run_id).series("val/loss")) > before or paused % 10 == 0)
    loop.act("checkpoint")
    assert (tmp_path / "checkpoints" / f"step={paused}.ckpt").exists()
    loop.act("step", count=2)
    wait_for("two steps", lambda: len(module.rates) == paused + 2)
    loop.act("resume")
    loop.act("stop")
    loop.join()
    record = server.record(run_id)
    assert (record.status, record.alerts()) == ("stopped", [])
    for step, rate in enumerate(module.rates):
        base = 0.05 if step >= changed["step"] else 0.01
        assert rate == pytest.approx(base / (1 + step / 100), rel=1e-9), step
    used = [record.series(f"optimizer/{name}") for name in ("lr", "grad_norm", "clip", "clipped")]
    clips = [0.25 if step >= clipped["step"] else 1.0 for step in range(len(module.rates))]
    expected = [module.rates, module.norms, clips, [float(norm > clip) for norm, clip in zip(module.norms, clips)]]
    assert [[step for step, _ in series] for series in used] == [list(range(len(module.rates)))] * 4
    assert [[value for _, value in series] for series in used] == [pytest.approx(values, rel=1e-6) for values in expected]


class Gan(Module):
    """Two optimizers, and two updates a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.other = torch.nn.Linear(4, 1)
        self.seen: list[float] = []

    def training_step(self, batch, index):
        self.seen.append(self.optimizers()[1].param_groups[0]["lr"])
        for layer, optimizer in zip((self.layer, self.other), self.optimizers()):
            optimizer.zero_grad()
            loss = layer(batch).pow(2).mean()
            self.manual_backward(loss)
            optimizer.step()
        self.log("train/loss", loss)
        time.sleep(0.005)

    def configure_optimizers(self):
        return [torch.optim.SGD(one.parameters(), lr=0.1) for one in (self.layer, self.other)]


@pytest.mark.filterwarnings("ignore")
def test_of_two_optimizers_a_command_names_the_step_of_the_rows(server, tmp_path, settings):
    from headroom.lightning import HeadroomCallback, HeadroomLogger

    module = Gan()
    logger = HeadroomLogger(project="lightning", name="gan", **settings)
    steered = Steered(server, lambda: trainer(tmp_path, logger, callbacks=[HeadroomCallback(logger)], max_epochs=-1).fit(module, data()))
    steered.begun("gan")
    applied = steered.set("optimizer2.lr", 0.5)
    steered.act("stop")
    steered.join()
    assert [i for i, rate in enumerate(module.seen) if rate == 0.5][0] == applied["step"]
    assert [step for step, _ in server.record(steered.run_id).series("train/loss")] == list(range(len(module.seen)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("saved_at", [5, 10])
def test_of_two_optimizers_a_fit_from_a_checkpoint_goes_back_to_its_row(server, tmp_path, settings, saved_at):
    from lightning.pytorch.callbacks import ModelCheckpoint

    from headroom.lightning import HeadroomLogger

    name = f"gan from {saved_at}"
    logger = HeadroomLogger(project="lightning", name=name, **settings)
    # It counts the updates of both optimizers, and saves at the end of the batch.
    saves = ModelCheckpoint(str(tmp_path), filename="{step}", every_n_train_steps=10, save_top_k=-1)
    first = trainer(tmp_path, logger, max_epochs=1, enable_checkpointing=True, callbacks=[saves])
    first.fit(Gan(), data())
    first.save_checkpoint(tmp_path / "at10.ckpt")
    path = tmp_path / ("step=10.ckpt" if saved_at == 5 else "at10.ckpt")
    module = Gan()
    trainer(tmp_path, logger, max_epochs=2).fit(module, data(), ckpt_path=path)
    (run,) = [r for r in server.runs() if r["name"] == name]
    record = server.record(run["runId"])
    assert [e["step"] for e in record.of_type("rewind")] == ([5] if saved_at == 5 else [])
    assert len(module.seen) == 20 - saved_at
    assert [step for step, _ in record.series("train/loss")] == list(range(20))
    assert (record.status, record.alerts()) == ("finished", [])


@pytest.mark.filterwarnings("ignore")
def test_a_test_and_a_second_fit_belong_to_the_run_of_the_first(server, tmp_path, settings):
    from headroom.lightning import HeadroomCallback, HeadroomLogger

    logger = HeadroomLogger(project="lightning", name="again", **settings)
    logger.log_hyperparams(5)
    first = trainer(tmp_path, logger, max_epochs=1, callbacks=[HeadroomCallback(logger)])
    module = Module()
    first.fit(module, data())
    first.test(module, data(8))
    (run,) = [r for r in server.runs() if r["name"] == "again"]
    tested = server.record(run["runId"]).of_type("started")[-1]
    assert [c["name"] for c in tested["controls"]["values"]] == ["optimizer.lr", "optimizer.weight_decay"]
    assert tested["values"]["optimizer.lr"] == pytest.approx(0.01)
    first.fit_loop.max_epochs = 2
    first.fit(module, data())
    (run,) = [r for r in server.runs() if r["name"] == "again"]
    record = server.record(run["runId"])
    assert [step for step, _ in record.series("train/loss")] == list(range(20))
    assert [step for step, _ in record.series("test/loss")] == [10]
    assert (record.status, record.alerts(), record.of_type("rewind")) == ("finished", [], [])


@pytest.mark.filterwarnings("ignore")
def test_a_fit_from_a_checkpoint_goes_back_in_the_run_and_one_from_the_start_is_another_run(server, tmp_path, settings):
    from headroom.lightning import HeadroomCallback, HeadroomLogger

    logger = HeadroomLogger(project="lightning", name="anew", **settings)
    first = trainer(tmp_path, logger, max_epochs=1)
    first.fit(Module(), data())
    first.save_checkpoint(tmp_path / "ten.ckpt")
    trainer(tmp_path, logger, max_epochs=3).fit(Module(), data(), ckpt_path=tmp_path / "ten.ckpt")
    trainer(tmp_path, logger, max_epochs=2).fit(Module(), data(), ckpt_path=tmp_path / "ten.ckpt")
    for callbacks in ([], [HeadroomCallback(logger)]):
        trainer(tmp_path, logger, max_epochs=1, log_every_n_steps=2, callbacks=callbacks).fit(Module(), data())
    records = [server.record(r["runId"]) for r in server.runs() if r["name"] == "anew"]
    assert [(r.status, r.alerts(), [e["step"] for e in r.of_type("rewind")]) for r in records] == [("finished", [], []), ("finished", [], []), ("finished", [], [10])]
    assert [[step for step, _ in r.series("train/loss")] for r in records] == [list(range(1, 10, 2)), list(range(1, 10, 2)), list(range(20))]


@pytest.mark.filterwarnings("ignore")
def test_a_used_logger_that_is_sent_to_another_process_goes_on_with_the_run_there(server, tmp_path, settings):
    from headroom.lightning import HeadroomCallback, HeadroomLogger

    logger = HeadroomLogger(project="lightning", name="sent", **settings)
    module = Module()
    first = trainer(tmp_path, logger, max_epochs=1)
    first.fit(module, data())
    first.save_checkpoint(tmp_path / "ten.ckpt")
    assert copy.deepcopy(logger).run is not None
    sent, callback = pickle.loads(pickle.dumps((logger, HeadroomCallback(logger))))
    trainer(tmp_path, sent, max_epochs=2, callbacks=[callback]).fit(module, data(), ckpt_path=tmp_path / "ten.ckpt")
    (run,) = [r for r in server.runs() if r["name"] == "sent"]
    record = server.record(run["runId"])
    assert [step for step, _ in record.series("train/loss")] == list(range(20))
    assert record.status == "finished"


@pytest.mark.filterwarnings("ignore")
def test_a_module_that_fails_leaves_a_failed_run_with_its_traceback(server, tmp_path, settings):
    from headroom.lightning import HeadroomLogger

    class Fails(Module):
        def on_before_optimizer_step(self, optimizer):
            if self.global_step == 2:
                raise ValueError("no more")

    with pytest.raises(ValueError):
        trainer(tmp_path, HeadroomLogger(project="lightning", name="fails", **settings), max_epochs=1).fit(Fails(), data())
    (run,) = [r for r in server.runs() if r["name"] == "fails"]
    record = server.record(run["runId"])
    assert record.status == "failed"
    assert "ValueError: no more" in record.of_type("status")[-1]["traceback"]
