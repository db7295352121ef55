/** `npm run bench -- features [--backends a,b] [--batch N] [--seconds N] [--threads N]`: ResNet-34 pictures per second, 224 x 224, on each backend that works on this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { backendNames } from '~/shared/backends';
import { serializeSafetensors } from '~/shared/safetensors';
import { records } from '~/test/support/cifarArchive';
import { formulaWeights } from '~/test/support/resnetWeights';
import { openBackend, parseBackendName } from '~/trainer/backends';
import { decodePicture } from '~/trainer/data/binary';
import { resnetExtractor } from '~/trainer/data/extractors';
import { resizeRgb } from '~/trainer/data/resize';
import type { BenchResult } from './main';

const usual = ['tensorflow', 'webgpu', 'onnx', 'wasm'] as const;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      backends: { type: 'string', default: usual.join(',') },
      batch: { type: 'string', default: '16' },
      seconds: { type: 'string', default: '10' },
      threads: { type: 'string' },
      /** Name of the only backend to measure in this process: a process cannot change its backend. */
      one: { type: 'string' },
    },
  });
  const [batch, seconds] = [values.batch, values.seconds].map(Number) as [number, number];
  if (!(Number.isInteger(batch) && batch >= 1)) throw new Error(`--batch: ${values.batch} is not a whole number of at least 1`);
  if (!(seconds > 0)) throw new Error(`--seconds: ${values.seconds} is not a number above 0`);
  if (values.one !== undefined) return { title: '', rows: [await measure(values.one, batch, seconds, values.threads)] };
  const names = values.backends.split(',').map(parseBackendName);
  const rows: BenchResult['rows'] = [];
  const notes: string[] = [];
  for (const name of names.sort((a, b) => backendNames.indexOf(a) - backendNames.indexOf(b))) {
    const flags = [
      '--one',
      name,
      '--batch',
      String(batch),
      '--seconds',
      String(seconds),
      ...(values.threads ? ['--threads', values.threads] : []),
    ];
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, 'features', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const [code] = (await once(child, 'close')) as [number];
    if (code === 0) rows.push(...(JSON.parse(out.trim().split('\n').at(-1)!) as BenchResult).rows);
    else notes.push(`${name}: ${err.trim().split('\n').at(-1)}`);
  }
  if (rows.length === 0) throw new Error(`no backend could be measured:\n${notes.join('\n')}`);
  return { title: `ResNet-34 features of ${batch} pictures at a time`, rows, notes };
}

async function measure(
  name: string,
  batch: number,
  seconds: number,
  threads: string | undefined,
): Promise<BenchResult['rows'][number]> {
  const backend = await openBackend(parseBackendName(name), threads ? { threads: Number(threads) } : {});
  const extractor = resnetExtractor(serializeSafetensors(formulaWeights().tensors), 'formula', backend);
  const file = records(batch);
  const run = async () => {
    const pictures = Array.from({ length: batch }, (_, i) =>
      resizeRgb(decodePicture(file, i), 32, 32, extractor.side, extractor.side),
    );
    await extractor.features(pictures);
  };
  await run(); // warm-up: makes buffers, compiles shaders
  let done = 0;
  const start = performance.now();
  while (done === 0 || performance.now() - start < 1000 * seconds) {
    await run();
    done += batch;
  }
  const perSecond = (1000 * done) / (performance.now() - start);
  return {
    backend: name,
    'pictures/s': perSecond,
    hoursFor60000: 60_000 / perSecond / 3600,
    pictures: done,
    device: backend.device,
  };
}
