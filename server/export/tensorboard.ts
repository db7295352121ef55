import { encodeEvent, recordOf } from '~/server/base/tensorboardEvents';
import type { StoredStream } from '~/server/store';
import { listsOf } from '~/server/store/lists';
import { mergedRows } from './mergedRows';
import { type RecordSource, viewOf } from './source';

/**
 * A TensorBoard event file: a scalar for each value, at its step; absent values have none. Scalars are `simple_value`, which
 * every reader knows and which has 32 bits.
 */
export async function* writeTensorboard(source: RecordSource, runId: string): AsyncGenerator<Uint8Array> {
  const view = await viewOf(source, runId);
  const streams = await source.streams(runId);
  const names = new Set(streams.flatMap((s) => s.columns.map((c) => c.name)));
  yield recordOf(encodeEvent({ wallTime: view.createdAt / 1000, fileVersion: 'brain.Event:2' }));
  for (const stream of streams) yield* streamEvents(source, runId, stream);
  for await (const page of listsOf(source, runId).pages('evaluations'))
    for (const { step, split, metrics, at } of page) {
      const value = metrics.map(({ name, value }) => {
        const tag = `evaluation/${split}/${name}`;
        return { tag: names.has(tag) ? `evaluations/${split}/${name}` : tag, simpleValue: value };
      });
      yield recordOf(encodeEvent({ wallTime: at / 1000, step, summary: { value } }));
    }
}

/** Rows of a stream: one event per row, with only the series of that stream. */
async function* streamEvents(source: RecordSource, runId: string, stream: StoredStream): AsyncGenerator<Uint8Array> {
  // The summary of a row has the same bytes at every step except the values, each of which is at the end of its scalar.
  const scalar = ({ name }: { name: string }) => encodeEvent({ summary: { value: [{ tag: name, simpleValue: 1 }] } });
  const summary = Buffer.concat(stream.columns.map(scalar));
  let end = 0;
  const valueAt = stream.columns.map((column) => {
    end += scalar(column).length;
    return end - 4;
  });
  const columns = stream.columns.map((_, i) => ({ from: i, to: i }));
  let out: Uint8Array[] = [];
  let bytes = 0;
  for await (const { step, time, cells } of mergedRows(source, runId, [{ stream, columns }])) {
    for (let c = 0; c < cells.length; c++) summary.writeFloatLE(cells[c]!, valueAt[c]!);
    // Several summaries of one event are merged: in protobuf, a repeated field continues the message.
    const one = recordOf(Buffer.concat([encodeEvent({ wallTime: time / 1000, step }), summary]));
    out.push(one);
    bytes += one.length;
    if (bytes < 65_536) continue;
    yield Buffer.concat(out);
    out = [];
    bytes = 0;
  }
  yield Buffer.concat(out);
}
