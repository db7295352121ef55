import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import manifest from '~/package.json';
import { nodeProblem } from '~/server/base/nodeVersion';
import { openFilesProblem } from '~/server/base/openFiles';
import { commands } from '~/server/process/commands';
import { ownFolder } from '~/test/support/folder';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs node with the sources' loader until it ends by itself. */
async function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], { cwd: root, env: { ...process.env, ...env } });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, printed };
}

describe('a start that cannot go on says so in one line, before it builds anything', () => {
  it.each(['start.ts', 'main.ts'])('a taken port, before the data folder is opened: %s', async (program) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const folder = ownFolder();
    const ended = await run([`server/process/${program}`], { PORT: String(port), HEADROOM_DATA: folder.path });
    other.close();
    const files = readdirSync(folder.path);
    folder.remove();
    expect(files).toEqual([]);
    expect(ended).toEqual({
      code: 1,
      printed: `PORT: ${port} on 127.0.0.1 is taken; stop what listens there, or start with another, e.g. PORT=${port + 1}\n`,
    });
  });

  it('a folder that cannot be written to', async () => {
    const folder = ownFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    const ended = await run(['server/process/start.ts'], { PORT: '0', HEADROOM_DATA: join(file, 'data') });
    folder.remove();
    expect(ended).toEqual({
      code: 1,
      printed: `HEADROOM_DATA ${join(file, 'data')}: a part of the path is not a folder; give another\n`,
    });
  });

  it.skipIf(process.platform !== 'linux')('a folder in a file system that has none to give', async () => {
    for (const data of ['/proc/none', '/proc/none/below'])
      expect(await run(['server/process/start.ts'], { PORT: '0', HEADROOM_DATA: data })).toEqual({
        code: 1,
        printed: `HEADROOM_DATA ${data}: its folder is not there; make it first, or give another\n`,
      });
  });

  it('a variable that does not fit', async () => {
    expect(await run(['server/process/start.ts'], { PORT: 'three thousand' })).toEqual({
      code: 1,
      printed: 'PORT="three thousand": a whole number from 0 to 65535 is needed, e.g. PORT=3000 (0 takes a free one)\n',
    });
  });
});

describe('headroom', () => {
  const headroom = (...words: string[]) => run(['server/process/headroom.ts', ...words]);

  it('explains each command that takes no flags of its own, and starts nothing', async () => {
    const explained = Object.entries(commands).flatMap(([name, { usage, summary }]) => (usage ? [{ name, usage, summary }] : []));
    const found = await Promise.all(explained.map(({ name }) => headroom(name, '--help')));
    expect(found).toEqual(
      explained.map(({ name, usage, summary }) => ({
        code: 0,
        printed: `${[`headroom ${name} ${usage.words}`.trim(), '', summary, '', usage.more].join('\n')}\n`,
      })),
    );
  });

  it.each([
    [['verify', '--quick'], 'headroom verify has no flag --quick'],
    [['verify', 'one', 'two'], 'headroom verify [FOLDER]: "two" is too much'],
    [['mcp', 'now'], 'headroom mcp: "now" is too much'],
    [['backup', '--form=data', 'copy'], 'headroom backup has no flag --form=data'],
    [['backup', '--f', 'copy'], 'headroom backup has no flag --f'],
    [['start', '--port=0', '--port', '1'], '--port is given twice; give it once'],
    [['exprot'], 'There is no command "exprot".'],
  ])('refuses %o with what is wrong, and the list of commands', async (words, problem) => {
    const { code, printed } = await headroom(...words);
    expect([code, printed.split('\n')[0]]).toEqual([2, problem]);
    expect(printed.slice(problem.length)).toBe(`\n\n${(await headroom('help')).printed}`);
  });

  it('a value of a flag keeps what it has after a "="', async () => {
    const { code, printed } = await headroom('start', '--port=99999=1');
    expect([code, printed]).toEqual([1, expect.stringContaining('PORT="99999=1": a whole number')]);
  });

  it('says in one line that no SQLite driver loads, e.g. after another Node was installed', async () => {
    const folder = ownFolder();
    const broken = join(folder.path, 'broken.cjs');
    const load = `const { _load } = Module; Module._load = (name, ...rest) => {
      if (name.startsWith('better-sqlite3')) throw new Error('compiled for another Node\\nand more');
      return _load(name, ...rest);
    };`;
    writeFileSync(broken, `const Module = require('node:module'); ${load}`);
    const { code, printed } = await run(['--require', broken, 'server/process/headroom.ts', 'verify', folder.path]);
    folder.remove();
    expect([code, printed]).toEqual([
      1,
      expect.stringMatching(
        /^no SQLite driver can be loaded on Node v\S+ \(better-sqlite3\S*: compiled for another Node\b.*\): .*run npm install again with this Node, where Headroom is installed\n$/,
      ),
    ]);
  });

  it.each([
    ['v18.20.8', 'Headroom needs Node 20.19 or newer, and this is v18.20.8: https://nodejs.org has newer ones'],
    ['v20.18.3', 'Headroom needs Node 20.19 or newer, and this is v20.18.3: https://nodejs.org has newer ones'],
    ['v20.19.0', null],
    ['v22.1.0', null],
  ])('on Node %s', (version, problem) => {
    expect(nodeProblem(version)).toBe(problem);
  });

  it.each([
    ['64', /^This process may open 64 files at a time; Headroom needs 128 to start, .* ulimit -n 4096$/],
    ['128', null],
    ['unlimited', null],
  ])('with a limit of %s open files', (limit, problem) => {
    const limits = `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${limit.padEnd(21)}${limit}\n`;
    const said = openFilesProblem(limits);
    if (problem) expect(said).toMatch(problem);
    else expect(said).toBeNull();
  });

  it('says its version', async () => {
    expect(await headroom('--version')).toEqual({ code: 0, printed: `${manifest.version}\n` });
  });
});

describe('an orderly end', () => {
  /** A process that closes when told to, as the server does. */
  function closing(close: string, withinMs = 5000, then = '') {
    const shutdown = pathToFileURL(join(root, 'server/process/shutdown.ts')).href;
    const script = `
      import { endInOrder } from ${JSON.stringify(shutdown)};
      endInOrder(async () => { console.log('closing'); ${close} }, { withinMs: ${withinMs}, onError: (e) => console.log('error: ' + e.message) });
      setInterval(() => {}, 1000);
      console.log('up');
      ${then}`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, line: async () => (await lines.next()).value as string, ended: once(child, 'close') };
  }

  it('one Ctrl-C that arrives twice closes once, to the end', async () => {
    const { child, line, ended } = closing('await new Promise((r) => setTimeout(r, 100)); console.log("closed");');
    expect(await line()).toBe('up');
    child.kill('SIGINT');
    expect(await line()).toBe('closing');
    child.kill('SIGINT');
    expect(await line()).toBe('closed');
    expect((await ended)[0]).toBe(0);
  });

  it('one that hangs is cut off, and says so', async () => {
    const { child, line, ended } = closing('await new Promise(() => {});', 100);
    await line();
    child.kill('SIGTERM');
    await line();
    expect(await line()).toBe('error: the server did not end within 0.1 s');
    expect((await ended)[0]).toBe(1);
  });

  it('an error that nobody caught closes too, and ends with 1', async () => {
    const { line, ended } = closing('console.log("closed");', 5000, "setTimeout(() => { throw new Error('lost'); }, 10);");
    expect([await line(), await line(), await line(), await line()]).toEqual(['up', 'error: lost', 'closing', 'closed']);
    expect((await ended)[0]).toBe(1);
  });
});

it.skipIf(process.platform === 'win32')('whoever reads the log may go away: the server goes on without', async () => {
  const folder = ownFolder();
  const entry = join(folder.path, 'entry.ts');
  writeFileSync(
    entry,
    `import { openLog } from ${JSON.stringify(join(root, 'server/process/openLog.ts'))};
     const log = openLog('info');
     let said = 0;
     setInterval(() => {
       log.fatal({}, 'a line');
       log.fatal({}, 'another, before the first is known to be lost');
       console.log('a line');
       process.send!(++said);
     }, 10);`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', entry], { cwd: root, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  try {
    const [before] = (await once(child, 'message')) as [number];
    child.stdout!.destroy();
    child.stderr!.destroy();
    for await (const [said] of on(child, 'message', { close: ['exit'] })) if (said > before + 50) break;
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  } finally {
    child.kill('SIGKILL');
    folder.remove();
  }
});

it.skipIf(process.platform === 'win32')(
  'whoever stops reading the log learns how many lines were dropped meanwhile',
  async () => {
    const script = `
    import { openLog } from ${JSON.stringify(pathToFileURL(join(root, 'server/process/openLog.ts')).href)};
    const log = openLog('info');
    const megabyte = 'x'.repeat(1 << 20);
    // More than a pipe holds: what follows waits.
    log.info({}, megabyte);
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 20; i++) log.info({}, megabyte);
    console.log('up');`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root });
    await once(child.stdout, 'data');
    const said: { msg: string; lines?: number }[] = [];
    for await (const line of createInterface({ input: child.stderr })) said.push(JSON.parse(line));
    expect(said).toHaveLength(18);
    expect(said[17]).toMatchObject({
      level: 50,
      lines: 4,
      msg: 'lines of this log were dropped here: nobody had read the ones before',
    });
  },
);
