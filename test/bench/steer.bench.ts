/** How soon a click takes effect, and how soon others see a viewer's position: `npm run bench -- steer [--task reverse|anomaly] [--backend auto] [--commands 200]`. */

import { parseArgs } from 'node:util';
import { type BackendName, backendName } from '~/shared/backends';
import type { Looking } from '~/shared/viewerProtocol';
import { startApp } from '~/test/support/app';
import { root } from '~/test/support/root';
import { publishedSetup, recipeNamed } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';
import type { BenchResult } from './main';

const clients = 5;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      task: { type: 'string', default: 'reverse' },
      backend: { type: 'string', default: 'auto' },
      commands: { type: 'string', default: '200' },
    },
  });
  const task = recipeNamed(values.task).spec.name;
  const backend = values.backend === 'auto' ? 'auto' : backendName.safeParse(values.backend).data;
  if (!backend) throw new Error(`--backend: auto, ${backendName.options.join(', ')}, not "${values.backend}"`);
  const commands = Number(values.commands);
  if (!(Number.isInteger(commands) && commands >= clients)) throw new Error(`--commands: a whole number of at least ${clients}`);
  return {
    title: `steering a ${task} run (backend ${backend})`,
    rows: await measure(task, backend, commands),
    notes: [
      `${clients} people on one page each; ms from the click until the one who clicked sees it answered, or sees the other's step.`,
    ],
  };
}

async function measure(task: string, backend: 'auto' | BackendName, commands: number): Promise<BenchResult['rows']> {
  const app = await startApp({
    trainer: { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend },
  });
  try {
    const setup = publishedSetup(task, { epochs: 1000, backend });
    const { runId } = await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, setup);
    const people = await Promise.all(Array.from({ length: clients }, () => TestViewer.connect(app.url)));
    for (const p of people) await p.watch(runId);
    await Promise.all(people.map((p) => p.until((v) => v.step > 20)));

    let made = 0;
    /** Time from the click to the answer of the command, accepted or refused. */
    const click = async (person: TestViewer, what: { control: string; value: number } | { action: string; args?: object }) => {
      const id = `steer-bench-${made++}`;
      const at = performance.now();
      const kind = 'control' in what ? { kind: 'set', ...what } : { kind: 'act', args: {}, ...what };
      const given = await person.command({ ...kind, id, runId } as Parameters<TestViewer['command']>[0]);
      if (!given.ok) throw new Error(given.message);
      const seen = (v: NonNullable<TestViewer['view']>) =>
        v.recent.commands.items.findLast((c) => c.command.id === id)?.outcome.status;
      await person.until((v) => seen(v) === 'applied' || seen(v) === 'refused');
      return performance.now() - at;
    };
    const round = async () => {
      const ms: number[] = [];
      await Promise.all(
        people.map(async (person, p) => {
          for (let i = 0; i < commands / clients; i++) {
            const control = ['clipThreshold', 'learningRate', 'snapshotEverySteps', 'weightDecay'][(i + p) % 4]!;
            ms.push(await click(person, { control, value: control === 'snapshotEverySteps' ? 100 + i : 0.0001 * (i + 1) }));
          }
        }),
      );
      return ms;
    };
    const before = people[0]!.view!.step;
    const startedAt = performance.now();
    const running = await round();
    const stepMs = (performance.now() - startedAt) / (people[0]!.view!.step - before);
    await click(people[0]!, { action: 'pause' });
    await Promise.all(people.map((p) => p.until((v) => v.status === 'paused')));
    const paused = await round();
    const pausedActions: number[] = [];
    for (let i = 0; i < 20; i++)
      pausedActions.push(
        await click(
          people[i % clients]!,
          [{ action: 'snapshot' }, { action: 'checkpoint' }, { action: 'evaluate', args: { split: 'test' } }][i % 3]!,
        ),
      );
    const looks = await presence(people, runId, 100);
    for (const p of people) p.close();
    return [
      row('a value, while running', running, stepMs),
      row('a value, while paused', paused),
      row('snapshot, checkpoint, test set, while paused', pausedActions),
      row("another's step", looks),
    ];
  } finally {
    await app.close();
  }
}

/** Times from a viewer's move until all others have received it. */
async function presence(people: TestViewer[], runId: string, moves: number): Promise<number[]> {
  const ms: number[] = [];
  for (let step = 1; step <= moves; step++) {
    const mover = people[step % people.length]!;
    const at = performance.now();
    const seen = people
      .filter((p) => p !== mover)
      .map(
        (p) =>
          new Promise<void>((resolve) => {
            const listener = ({ looks }: { looks: Looking[] }) => {
              if (!looks.some((l) => l.tab === mover.socket.id && l.look.step === step)) return;
              p.socket.off('looks', listener);
              resolve();
            };
            p.socket.on('looks', listener);
          }),
      );
    mover.socket.emit('look', { runId, look: { live: false, step, zoom: null, spot: null, shows: [], leads: false } });
    await Promise.all(seen);
    ms.push(performance.now() - at);
  }
  return ms;
}

function row(what: string, ms: number[], stepMs?: number): BenchResult['rows'][number] {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return {
    what,
    n: ms.length,
    'p50 ms': at(0.5),
    'p95 ms': at(0.95),
    'max ms': at(1),
    ...(stepMs !== undefined && { 'step ms': stepMs }),
  };
}
