"""The Hugging Face Trainer, shown and steered by its callback."""

from __future__ import annotations

import time

import headroom
import pytest
from conftest import wait_for
from loops import Steered

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: the Hugging Face callback is not tested")


def tiny(tmp_path, callbacks, **settings):
    config = transformers.GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2)
    model = transformers.GPT2LMHeadModel(config)
    data = [{"input_ids": (ids := torch.randint(0, 32, (12,), generator=torch.Generator().manual_seed(i))), "labels": ids} for i in range(64)]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"),
        **{
            "per_device_train_batch_size": 4,
            "learning_rate": 1e-3,
            "logging_steps": 1,
            "report_to": [],
            "disable_tqdm": True,
            "use_cpu": True,
            "eval_strategy": "steps",
            "eval_steps": 10,
            "save_strategy": "no",
            **settings,
        },
    )
    return transformers.Trainer(model=model, args=arguments, train_dataset=data, eval_dataset=data[:8], callbacks=callbacks)


def test_every_value_is_the_trainers_own(server, tmp_path, settings, capfd):
    from headroom.huggingface import HeadroomCallback

    trainer = tiny(tmp_path, [HeadroomCallback(project="hf", name="values", **settings)], max_steps=25)
    trainer.train()
    trainer.evaluate(metric_key_prefix="test")
    trainer.evaluate()
    assert "set aside" not in capfd.readouterr().err
    (run,) = [r for r in server.runs() if r["name"] == "values"]
    record = server.record(run["runId"])
    assert (record.status, record.alerts()) == ("finished", [])
    expected: dict[str, dict[int, float]] = {}
    for entry in trainer.state.log_history:
        for name, value in entry.items():
            if name != "step":
                expected.setdefault(name, {}).setdefault(entry["step"], value)
    assert {name: dict(record.series(name)) for name in expected} == expected
    assert [(e["step"], e["split"]) for e in record.of_type("evaluation")] == [(10, "eval"), (20, "eval"), (25, "eval"), (25, "test"), (25, "eval")]
    assert record.run["setup"]["config"]["learning_rate"] == 1e-3
    assert record.run["setup"]["config"]["model"]["n_layer"] == 2


def test_each_evaluation_data_set_is_a_split_of_its_own_and_so_is_a_prefix_of_the_script(server, tmp_path, settings):
    from headroom.huggingface import HeadroomCallback

    trainer = tiny(tmp_path, [HeadroomCallback(run=(run := headroom.init(project="hf", name="several", **settings)))], max_steps=10)
    data = trainer.eval_dataset
    trainer.eval_dataset = {"books": data[:4], "web": data[4:]}
    trainer.train()
    trainer.evaluate(data, metric_key_prefix="test")
    trainer.evaluate(data)
    run.finish()
    (listed,) = [r for r in server.runs() if r["name"] == "several"]
    evaluations = server.record(listed["runId"]).of_type("evaluation")
    assert [e["split"] for e in evaluations] == ["books", "web", "test", "eval"]
    assert [[m["name"] for m in e["metrics"]][:2] for e in evaluations] == [["loss", "runtime"]] * 4


class Slow(transformers.TrainerCallback):
    """Notes the rate of each update."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **_):
        self.rates.append(optimizer.param_groups[0]["lr"])
        time.sleep(0.005)


def test_a_trainer_is_steered_at_the_named_step_also_while_paused(server, tmp_path, settings):
    from headroom.huggingface import HeadroomCallback

    slow = Slow()
    trainer = tiny(tmp_path, [HeadroomCallback(project="hf", name="steered", **settings), slow], max_steps=100_000, eval_strategy="steps", eval_steps=50_000, warmup_steps=0)
    loop = Steered(server, trainer.train)
    run_id = loop.begun("steered")
    changed = loop.set("optimizer.lr", 5e-3)
    assert (changed["before"], changed["after"]) == (1e-3, 5e-3)
    assert loop.set("clip", 0.25)["after"] == 0.25 and trainer.args.max_grad_norm == 0.25
    paused = loop.act("pause")["step"]
    assert len(slow.rates) == paused
    loop.act("evaluate")
    wait_for("the evaluation", lambda: server.record(run_id).of_type("evaluation"))
    loop.act("checkpoint")
    wait_for("the checkpoint", lambda: (tmp_path / "out" / f"checkpoint-{paused}").exists())
    assert loop.act("step", count=3)["type"] == "command.applied"
    wait_for("three steps", lambda: len(slow.rates) == paused + 3)
    loop.act("resume")
    loop.act("stop")
    loop.join()
    record = server.record(run_id)
    assert (record.status, record.alerts()) == ("stopped", [])
    for step, rate in enumerate(slow.rates):
        base = 5e-3 if step >= changed["step"] else 1e-3
        assert rate == pytest.approx(base * (1 - step / 100_000), rel=1e-9), step
    assert [e["step"] for e in record.of_type("evaluation")] == [paused]


def test_attention_and_gradient_norms_of_a_model_that_the_trainer_trains(server, tmp_path, init):
    from headroom.huggingface import HeadroomCallback

    run = init(project="hf", name="watched")
    trainer = tiny(tmp_path, [HeadroomCallback(run)], max_steps=12)
    run.watch(trainer.model, every=4, probe={"input_ids": torch.arange(12).reshape(1, 12)}, vocabulary=lambda id: f"w{id}", attention_every=5)
    trainer.train()
    run.finish()
    record = server.record(run.id)
    assert record.alerts() == []
    assert [s for s, _ in record.series("grad_norm/transformer.h.0.attn.c_attn.weight")] == [0, 4, 8]
    snapshots = record.of_type("snapshot")
    assert [s["step"] for s in snapshots] == [0, 5, 10]
    assert [(layer["name"], layer["heads"], layer["keys"]) for layer in snapshots[0]["layers"]] == [
        ("transformer.h.0.attn", 2, 12),
        ("transformer.h.1.attn", 2, 12),
    ]


def test_a_script_that_fails_leaves_a_failed_run(server, tmp_path, settings):
    from headroom.huggingface import HeadroomCallback

    class Fails(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 3:
                raise RuntimeError("no more")

    with pytest.raises(RuntimeError), headroom.init(project="hf", name="fails", **settings) as run:
        tiny(tmp_path, [HeadroomCallback(run), Fails()], max_steps=10).train()
    record = server.record(run.id)
    assert record.status == "failed"


def test_a_training_that_resumes_goes_on_with_the_run_and_one_from_the_start_is_another(server, tmp_path, settings):
    from headroom.huggingface import HeadroomCallback

    callback = HeadroomCallback(project="hf", name="again", **settings)
    trainer = tiny(tmp_path, [callback], max_steps=10, save_strategy="steps", save_steps=5, eval_strategy="no")
    trainer.train()
    first = [(i + 1, entry["loss"]) for i, entry in enumerate(trainer.state.log_history[:10])]
    trainer.args.max_steps = 12
    trainer.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-5"))
    second = [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    trainer.train()
    records = [server.record(r["runId"]) for r in server.runs() if r["name"] == "again"]
    assert [(r.status, r.alerts(), [e["step"] for e in r.of_type("rewind")]) for r in records] == [("finished", [], []), ("finished", [], [6])]
    assert records[1].series("loss") == first[:5] + second[5:]
    assert [step for step, _ in records[1].series("loss")] == list(range(1, 13))
