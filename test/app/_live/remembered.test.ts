import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Choices, createChoices } from '~/app/_live/remembered';
import { type SavedView, viewsIn, withName, withSaved } from '~/app/_runs/savedViews';
import { openReads } from '~/server/store/sqlite/read';
import { openForReading } from '~/server/store/sqlite/schema';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ loginRequired: true });
});
afterAll(() => app.close());

const client = (cookie: string) =>
  createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${app.url}${paths.trpc}`, transformer, headers: { cookie } })] });

async function join(invite: string, name: string): Promise<string> {
  const answer = await fetch(`${app.url}/api/join`, { method: 'POST', body: JSON.stringify({ invite, name }) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.headers.get('set-cookie')!.split(';')[0]!;
}

/** A browser: its storage outlives its pages. */
function browser() {
  const storage = new Map<string, string>();
  const kept = {
    get: (key: string) => storage.get(key) ?? null,
    set: (key: string, text: string | null) => void (text === null ? storage.delete(key) : storage.set(key, text)),
  };
  return {
    storage,
    kept,
    /** Opens a page; null: there is no server. `sent` waits until the server has every choice. */
    async open(cookie: string | null): Promise<Choices & { sent(): Promise<void> }> {
      const choices = createChoices(kept);
      const due: (() => void)[] = [];
      const asked: Promise<unknown>[] = [];
      const noted = <T>(answer: Promise<T>): Promise<T> => {
        asked.push(answer.catch(() => {}));
        return answer;
      };
      /** Until no request leads to another one. */
      const quiet = async () => {
        for (let n = -1; n !== asked.length; await new Promise(setImmediate)) {
          n = asked.length;
          await Promise.all(asked);
        }
      };
      const api = client(cookie ?? '');
      const gone = () => Promise.reject(new Error('there is no server'));
      const settled = new Promise<void>((done) => choices.subscribe(() => choices.get().settled && done()));
      choices.connect(
        {
          read: () => noted(cookie === null ? gone() : api.team.remembered.query()),
          write: (key, value) => noted(cookie === null ? gone() : api.team.remember.mutate({ key, value })),
        },
        (_ms, work) => {
          due.push(work);
          return () => due.splice(due.indexOf(work), 1);
        },
      );
      await settled;
      await quiet();
      return {
        ...choices,
        async sent() {
          for (const work of due.splice(0)) work();
          await quiet();
        },
      };
    },
  };
}

describe('choices of a person', () => {
  let ada: string;
  let bob: string;
  beforeAll(async () => {
    ada = await join(new URL(app.adminLink!, app.url).searchParams.get('invite')!, 'Ada');
    const { secret } = await client(ada).team.invite.mutate({ role: 'viewer', uses: 1, expiresInMs: 3_600_000 });
    bob = await join(secret, 'Bob');
  });

  it('are found in another browser of the person, and never by anybody else, even in the same browser', async () => {
    const laptop = browser();
    const there = await laptop.open(ada);
    there.write('views', '[1]');
    await there.sent();
    expect((await browser().open(ada)).read('views')).toBe('[1]');
    expect((await browser().open(bob)).read('views')).toBeNull();
    expect((await laptop.open(bob)).read('views')).toBeNull();
    expect((await laptop.open(ada)).read('views')).toBe('[1]');
  });

  it.each(['notices', 'newRun'] as const)('but %s stay in the browser, for the person', async (key) => {
    const laptop = browser();
    const there = await laptop.open(ada);
    there.write(key, '[1]');
    await there.sent();
    expect((await laptop.open(ada)).read(key)).toBe('[1]');
    expect((await browser().open(ada)).read(key)).toBeNull();
    expect((await laptop.open(bob)).read(key)).toBeNull();
  });

  it('of two browsers, the change that reaches the server later holds', async () => {
    const [one, two] = [await browser().open(ada), await browser().open(ada)];
    one.write('workspace', 'layout=watch');
    await one.sent();
    two.write('workspace', 'layout=review');
    await two.sent();
    expect((await browser().open(ada)).read('workspace')).toBe('layout=review');
  });

  it('in a list, of two browsers, changes of different items all hold, also of one that was away', async () => {
    const [one, two] = [await browser().open(ada), await browser().open(ada)];
    const view = (name: string, params = '') => ({ name, params });
    const write = (page: Choices, ...views: unknown[]) => page.write('views', JSON.stringify(views));
    const train = browser();
    write(await train.open(null), view('of the train'));
    write(one, view('a'), view('b'), view('c'));
    await one.sent();
    two.look(true);
    await expect.poll(() => two.read('views')).toBe(JSON.stringify([view('a'), view('b'), view('c')]));
    write(one, view('a', 'find=1'), view('c'), view('d'));
    write(two, view('a'), view('b', 'find=2'), view('e'));
    await one.sent();
    await two.sent();
    // b was changed in two and removed in one: the later one holds. c was removed in two.
    const all = [view('a', 'find=1'), view('d'), view('b', 'find=2'), view('e')];
    expect(two.read('views')).toBe(JSON.stringify(all));
    expect((await train.open(ada)).read('views')).toBe(JSON.stringify([...all, view('of the train')]));
    one.look(true);
    await expect.poll(() => one.read('views')).toBe(JSON.stringify([...all, view('of the train')]));
  });

  it('a view with a new name stays the same view: of two new names the later holds, and no view of that name made meanwhile is lost', async () => {
    const [one, two] = [await browser().open(ada), await browser().open(ada)];
    const write = (page: Choices, views: SavedView[]) => page.write('views', JSON.stringify(views));
    const [x, y]: SavedView[] = ['x', 'y'].map((name) => ({ name, params: '' }));
    write(one, [x!, y!]);
    await one.sent();
    two.look(true);
    await expect.poll(() => two.read('views')).toBe(one.read('views'));
    write(one, withName(withName([x!, y!], 'x', 'first'), 'y', 'z'));
    write(two, withSaved(withName([x!, y!], 'x', 'second'), 'z', 'find=1'));
    await one.sent();
    await two.sent();
    expect(viewsIn((await browser().open(ada)).read('views'))).toEqual([
      { ...y, id: 'y', name: 'z' },
      { ...x, id: 'x', name: 'second' },
      { name: 'z', params: 'find=1' },
    ]);
  });

  it('made in another tab of the same browser are shown without asking the server', async () => {
    const laptop = browser();
    const [one, two] = [await laptop.open(ada), await laptop.open(ada)];
    one.write('shareLook', 'no');
    const before = two.get().changes;
    two.look(false);
    expect([two.get().changes, two.read('shareLook')]).toEqual([before + 1, 'no']);
    await one.sent();
  });

  it('are kept in the browser while there is no server, also over a reload, and sent when there is one', async () => {
    const train = browser();
    const away = await train.open(null);
    away.write('keysAct', 'yes');
    await away.sent();
    expect((await train.open(null)).read('keysAct')).toBe('yes');
    expect((await browser().open(ada)).read('keysAct')).toBeNull();
    await train.open(ada);
    expect((await browser().open(ada)).read('keysAct')).toBe('yes');
  });

  it('made and sent while an older answer is under way are not undone by it', async () => {
    const values: Record<string, string> = { tour: 'before' };
    const due: (() => void)[] = [];
    let held: Promise<void> | null = null;
    const choices = createChoices(browser().kept);
    const done = new Promise<void>((settled) => choices.subscribe(() => choices.get().settled && settled()));
    choices.connect(
      {
        async read() {
          const answer = { person: 'ada', values: { ...values } };
          const wait = held;
          held = null;
          await wait;
          return answer;
        },
        async write(key, value) {
          values[key] = value;
        },
      },
      (_ms, work) => {
        due.push(work);
        return () => {};
      },
    );
    await done;
    let answer = () => {};
    held = new Promise((release) => {
      answer = release;
    });
    choices.look(true);
    await new Promise(setImmediate);
    choices.write('tour', 'after');
    for (const work of due.splice(0)) work();
    await new Promise(setImmediate);
    answer();
    await expect.poll(() => values.tour).toBe('after');
    expect(choices.read('tour')).toBe('after');
  });

  it('of an earlier version, which kept them in the browser alone, go to the person who opens it first', async () => {
    const old = browser();
    old.storage.set('headroom.tour', 'seen');
    expect((await old.open(bob)).read('tour')).toBe('seen');
    expect((await old.open(ada)).read('tour')).toBeNull();
    expect((await browser().open(bob)).read('tour')).toBe('seen');
  });

  it('that do not fit are refused with the field and what to do', async () => {
    const api = client(bob);
    await expect(api.team.remember.mutate({ key: 'views', value: 'x'.repeat(64 * 1024 + 1) })).rejects.toMatchObject({
      message: 'value: at most 65,536 characters; remove saved views or charts that nobody needs',
      data: { field: 'value' },
    });
    await expect(api.team.remember.mutate({ key: 'constructor' as 'views', value: 'x' })).rejects.toMatchObject({
      message: expect.stringMatching(/^key: .*"views"/),
      data: { field: 'key' },
    });
  });

  it('are forgotten with a person who is removed', async () => {
    const removed = (await client(ada).team.people.query()).find(({ name }) => name === 'Bob')!;
    await client(bob).team.remember.mutate({ key: 'views', value: '[2]' });
    const db = openForReading(app.dataFolder);
    const kept = () => openReads(db).setting(`person.${removed.id}`);
    expect(JSON.parse(kept()!)).toMatchObject({ views: '[2]' });
    await client(ada).team.removePerson.mutate({ personId: removed.id });
    expect(kept()).toBe('{}');
    db.close();
  });
});
