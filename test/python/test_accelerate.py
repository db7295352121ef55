"""accelerate's tracker, steered with a room."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed: its tracker is not tested")


def test_what_accelerate_logs_is_what_the_server_has(server, settings):
    from headroom.accelerate import HeadroomTracker

    accelerator = accelerate.Accelerator(cpu=True, log_with=HeadroomTracker(name="accelerated", **settings))
    accelerator.init_trackers("ignored", config={"lr": 0.1, "layers": 2})
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
    room = accelerator.get_tracker("headroom", unwrap=True).attach(optimizer=optimizer, scheduler=scheduler, model=model, clip=1.0)
    losses = []
    for step in range(20):
        loss = model(torch.ones(2, 3)).pow(2).mean()
        accelerator.backward(loss)
        room.clip_gradients()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        accelerator.log({"seen": step * 2, "note": "a text" if step == 3 else step}, step=step)
        if step == 9:
            room.run.command({"seq": 1, "command": {"id": "from-the-test", "kind": "set", "control": "optimizer.lr", "value": 0.2}})
        assert room.step(loss=loss)
    accelerator.get_tracker("headroom").log_table("words", ["word"], [["a"]], step=19)
    accelerator.end_training()
    (run,) = [r for r in server.runs() if r["name"] == "accelerated"]
    record = server.record(run["runId"])
    assert record.status == "finished"
    assert record.run["setup"]["config"] == {"lr": 0.1, "layers": 2}
    assert record.series("loss") == list(enumerate(losses))
    assert record.series("seen") == [(i, 2.0 * i) for i in range(20)]
    assert record.series("lr") == [(i, pytest.approx((0.2 if i >= 10 else 0.1) * 0.9**i)) for i in range(20)]
    assert [(m["name"], m["kind"]) for m in record.of_type("media")] == [("note", "text"), ("words", "table")]
