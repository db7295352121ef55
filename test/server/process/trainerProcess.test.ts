import { afterEach, describe, expect, it } from 'vitest';
import { startTrainerProcess, type TrainerProcess } from '~/server/process/trainerProcess';
import { inbox } from '~/test/support/inbox';

let running: TrainerProcess | null = null;
afterEach(async () => {
  await running?.stop();
  running = null;
});

interface Received {
  line: string;
  death: { pid: number; message: string };
}

function start(script: string, env: Record<string, string> = {}) {
  const received = inbox<Received>();
  running = startTrainerProcess({
    args: ['-e', script],
    folder: process.cwd(),
    env,
    log: (line) => received.put('line', line),
    onDeath: (pid, message) => received.put('death', { pid, message }),
    backoffMs: { first: 10, most: 40 },
  });
  return { received, child: running };
}
const waits = 'console.log(process.pid, process.env.HEADROOM_SERVER); setInterval(() => {}, 1000);';

describe('the trainer beside the server', () => {
  it('killed, is told of and started again with the same environment', async () => {
    const { received, child } = start(waits, { HEADROOM_SERVER: 'http://here' });
    const first = Number((await received.next('line')).split(' ')[0]);
    expect(child.pid()).toBe(first);
    process.kill(first, 'SIGKILL');
    expect(await received.next('death')).toEqual({
      pid: first,
      message: 'the trainer process was ended by SIGKILL; it is started again in 0.01 s',
    });
    const [second, server] = (await received.next('line')).split(' ');
    expect(Number(second)).not.toBe(first);
    expect(server).toBe('http://here');
  });

  it('that ends by itself is told of with what it said last, and waits longer each time', async () => {
    const { received } = start('console.error("no tensors today"); process.exit(3);');
    const messages = [];
    for (let i = 0; i < 4; i++) messages.push((await received.next('death')).message);
    expect(messages).toEqual(
      [0.01, 0.02, 0.04, 0.04].map(
        (s) => `the trainer process ended with code 3 ("no tensors today"); it is started again in ${s} s`,
      ),
    );
  });

  it('is stopped by SIGTERM, which is no death', async () => {
    const { received, child } = start(`process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); ${waits}`);
    await received.next('line');
    await child.stop();
    expect(child.pid()).toBeNull();
    expect(await received.next('line')).toBe('bye');
    expect(received.take('death')).toEqual([]);
  });

  it('that ignores SIGTERM is killed', async () => {
    const { received, child } = start(`process.on('SIGTERM', () => {}); ${waits}`);
    await received.next('line');
    await child.stop(50);
    expect(child.pid()).toBeNull();
  });
});
