"""The Keras callback, on TensorFlow."""

from __future__ import annotations

import copy
import os
import pickle
import time

import pytest
from loops import Steered

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
keras = pytest.importorskip("keras", reason="keras is not installed: its callback is not tested")
numpy = pytest.importorskip("numpy")


def model(rate):
    made = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    made.compile(optimizer=keras.optimizers.SGD(rate), loss="mse")
    return made


x = numpy.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Kept(keras.callbacks.Callback):
    """What Keras itself says, and the rate that each update has used."""

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__()
        self.batches: list[dict[str, float]] = []
        self.epochs: list[dict[str, float]] = []
        self.pause = pause

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(dict(logs))
        time.sleep(self.pause)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(dict(logs))


def test_every_value_is_the_one_that_keras_gives(server, settings):
    from headroom.keras import HeadroomCallback

    kept = Kept()
    model(0.01).fit(x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x, y), callbacks=[kept, HeadroomCallback(project="keras", name="values", **settings)])
    (run,) = [r for r in server.runs() if r["name"] == "values"]
    record = server.record(run["runId"])
    assert (record.status, record.alerts()) == ("finished", [])
    assert record.series("loss") == [(i, float(logs["loss"])) for i, logs in enumerate(kept.batches)]
    assert record.series("val_loss") == [((i + 1) * 4, float(logs["val_loss"])) for i, logs in enumerate(kept.epochs)]
    assert [(e["step"], e["metrics"][0]["value"]) for e in record.of_type("evaluation")] == record.series("val_loss")
    assert record.series("learning_rate") == [(i, pytest.approx(0.01)) for i in range(12)]


@pytest.mark.parametrize("name", ["rate", "schedule"])
def test_the_rate_is_changed_at_the_named_step_also_that_of_a_schedule(server, settings, name):
    from headroom.keras import HeadroomCallback

    rate = 0.01 if name == "rate" else keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.5)
    made = model(rate)
    kept = Kept(pause=0.005)
    callback = HeadroomCallback(project="keras", name=f"steered {name}", **settings)
    loop = Steered(server, lambda: made.fit(x, y, batch_size=16, epochs=100_000, verbose=0, callbacks=[kept, callback]))
    run_id = loop.begun(f"steered {name}")
    changed = loop.set("optimizer.lr", 0.002)
    assert (changed["before"], changed["after"]) == (pytest.approx(0.01), pytest.approx(0.002))
    paused = loop.act("pause")["step"]
    assert len(kept.batches) in (paused, paused + 1)
    loop.act("resume")
    loop.act("stop")
    loop.join()
    record = server.record(run_id)
    assert record.status == "stopped"
    for step, used in record.series("learning_rate"):
        base = 0.002 if step >= changed["step"] else 0.01
        assert used == pytest.approx(base if name == "rate" else base * 0.5 ** (step / 100), rel=1e-5), step


def test_a_second_fit_goes_on_with_the_run_and_that_of_a_new_model_is_another(server, settings):
    from headroom.keras import HeadroomCallback

    callback = HeadroomCallback(project="keras", name="again", **settings)
    first = model(0.01)
    for made in (first, first, model(0.01)):
        made.fit(x, y, batch_size=16, epochs=2, verbose=0, validation_data=(x, y), callbacks=[callback])
        pickle.loads(pickle.dumps(copy.deepcopy(callback)))
    records = [server.record(r["runId"]) for r in server.runs() if r["name"] == "again"]
    assert [(r.status, r.alerts(), r.of_type("rewind")) for r in records] == [("finished", [], [])] * 2
    assert sorted([step for step, _ in r.series("loss")] for r in records) == [list(range(8)), list(range(16))]
    assert sorted([step for step, _ in r.series("val_loss")] for r in records) == [[4, 8], [4, 8, 12, 16]]
