import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Presence } from '~/server/runs/presence';
import type { Actor } from '~/shared/ids';
import type { Look, Looking } from '~/shared/viewerProtocol';
import { startApp, type TestApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { publishedSetup } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';

const ann: Actor = { id: 'ann', name: 'Ann', role: 'admin' };
const look = (step: number): Look => ({ live: false, step, zoom: null, spot: null, shows: [], leads: false });

const setUp = () => {
  const clock = fakeClock();
  const presence = new Presence(clock);
  const join = (tab: string, runId = 'run00001') => {
    const heard: Looking[][] = [];
    const counted: number[] = [];
    const looks = (l: Looking[], sharing: number) => {
      heard.push(l);
      counted.push(sharing);
    };
    return { heard, counted, ...presence.join(runId, { tab, actor: ann, looks }) };
  };
  return { clock, join };
};

describe('presence', () => {
  it('a look reaches everybody on the run, nobody elsewhere; of a burst the newest, within 100 ms', () => {
    const { clock, join } = setUp();
    const [a, b, other] = [join('a'), join('b'), join('c', 'run00002')];
    a.look(look(1));
    clock.advance(0);
    for (const s of [2, 3, 4]) a.look(look(s));
    clock.advance(100);
    const reported = [[{ tab: 'a', actor: ann, look: look(1) }], [{ tab: 'a', actor: ann, look: look(4) }]];
    expect([a.heard, b.heard, other.heard]).toEqual([reported, reported, []]);
    expect(clock.waiting()).toBe(0);
  });

  it('who comes later hears it at once; who leaves or stops sharing is gone from it', () => {
    const { clock, join } = setUp();
    const [a, b] = [join('a'), join('b')];
    a.look(look(1));
    b.look(look(2));
    clock.advance(100);
    const late = join('late');
    expect(late.heard).toEqual([
      [
        { tab: 'a', actor: ann, look: look(1) },
        { tab: 'b', actor: ann, look: look(2) },
      ],
    ]);
    a.leave();
    a.look(look(9));
    clock.advance(100);
    b.look(null);
    clock.advance(100);
    expect(late.heard.slice(1)).toEqual([[{ tab: 'b', actor: ann, look: look(2) }], []]);
  });
});

describe('presence of a crowd', () => {
  it('of more than fifty who share only those who lead are sent, with the number of all; the others cost no message', () => {
    const { clock, join } = setUp();
    const first = join('first');
    const crowd = Array.from({ length: 60 }, (_, i) => join(`tab ${i}`));
    for (const [i, tab] of crowd.entries()) tab.look(look(i));
    clock.advance(100);
    expect([first.heard.at(-1), first.counted.at(-1)]).toEqual([[], 60]);
    const messages = first.heard.length;
    for (const tab of crowd) tab.look(look(7));
    clock.advance(100);
    expect(first.heard.length).toBe(messages);
    crowd[3]!.look({ ...look(8), leads: true });
    clock.advance(100);
    expect(first.heard.at(-1)).toEqual([{ tab: 'tab 3', actor: ann, look: { ...look(8), leads: true } }]);
    for (const tab of crowd.slice(10)) tab.leave();
    clock.advance(100);
    expect(first.heard.at(-1)!.map((l) => l.tab)).toEqual(crowd.slice(0, 10).map((_, i) => `tab ${i}`));
  });

  it('a thousand tabs are told four times a second', () => {
    const { clock, join } = setUp();
    const [leader] = Array.from({ length: 1_000 }, (_, i) => join(`tab ${i}`));
    leader!.look(look(0));
    clock.advance(0);
    leader!.look(look(1));
    clock.advance(249);
    expect(leader!.heard.length).toBe(1);
    clock.advance(1);
    expect(leader!.heard.length).toBe(2);
  });
});

describe('presence over real sockets', () => {
  let app: TestApp;
  let runId: string;
  beforeAll(async () => {
    app = await startApp();
    ({ runId } = await app.hub.create(ann, publishedSetup('reverse')));
  });
  afterAll(() => app.close());

  const looksOf = (viewer: TestViewer): Promise<Looking[]> =>
    new Promise((resolve) => viewer.socket.once('looks', (l) => resolve(l.looks)));

  it('the server says who looks, whatever the sender says, and forgets who disconnects', async () => {
    const [a, b] = [await TestViewer.connect(app.url), await TestViewer.connect(app.url)];
    await a.watch(runId);
    await b.watch(runId);
    let heard = looksOf(b);
    a.socket.emit('look', { runId, look: look(3) });
    const tab = a.socket.id!;
    expect(await heard).toEqual([{ tab, actor: { id: 'local', name: 'You', role: 'admin' }, look: look(3) }]);
    heard = looksOf(b);
    a.socket.disconnect();
    expect(await heard).toEqual([]);
    b.socket.disconnect();
  });

  it('a look that does not fit, or at a run that is not watched, is refused in words', async () => {
    const viewer = await TestViewer.connect(app.url);
    viewer.socket.emit('look', { runId, look: look(3) });
    expect(await viewer.received.next('refused')).toEqual({
      ok: false,
      reason: 'state',
      message: `watch ${runId} before you share where you look`,
      field: 'runId',
    });
    viewer.socket.emit('look', { runId, look: { ...look(3), step: 1.5 } });
    expect(await viewer.received.next('refused')).toMatchObject({ ok: false, reason: 'invalid', field: 'look.step' });
    viewer.socket.disconnect();
  });

  it('who floods is told to wait, and the others hear no more than ten times a second', async () => {
    const [a, b] = [await TestViewer.connect(app.url), await TestViewer.connect(app.url)];
    await a.watch(runId);
    await b.watch(runId);
    let heard = 0;
    b.socket.on('looks', () => heard++);
    const startedAt = performance.now();
    for (let step = 0; step < 700; step++) a.socket.emit('look', { runId, look: look(step) });
    expect(await a.received.next('refused')).toEqual({
      ok: false,
      reason: 'busy',
      message: 'look: too many messages; wait a little',
      field: null,
    });
    const seconds = (performance.now() - startedAt) / 1000;
    expect(heard).toBeLessThanOrEqual(2 + 10 * seconds);
    a.socket.disconnect();
    b.socket.disconnect();
  });
});
