/** A full disk is named to whoever asked for something; nothing that was acknowledged is lost, and work goes on when there is space. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openAuditFile } from '~/server/audit/auditFile';
import { AuditLog } from '~/server/audit/auditLog';
import { connect } from '~/server/mcp/client';
import type { Store } from '~/server/store';
import { backup } from '~/server/store/backup';
import type { BlobStore } from '~/server/store/blobs';
import { blobRoutes } from '~/server/web/blobRoutes';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { root } from '~/test/support/root';
import { serveRoutes } from '~/test/support/routeServer';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';

const full = 'the disk of the server is full: make room there and ask again';
const ada = { id: 'a', name: 'Ada', role: 'admin' } as const;

it('trainers, scripts and pages are told; with space again the trainer’s events are taken, each once', async () => {
  const memory = openMemoryStore();
  let isFull = false;
  const append: Store['append'] = async (write) => {
    if (isFull) throw new Error('database or disk is full');
    return memory.append(write);
  };
  const app = await startApp({ store: { ...memory, append } });
  const setup = publishedSetup('reverse');
  const { runId } = await app.hub.create(ada, setup);
  const trainer = await TrainerClient.connect(app.address);
  trainer.ready();
  await trainer.assigned();
  await trainer.send(runStarted(0, startValues(setup)));
  const viewer = await TestViewer.connect(app.url);
  isFull = true;
  const { next } = trainer.run!;
  const rows = [steps(0, 10, startValues(setup))];
  expect(await trainer.batch(next, rows)).toEqual({ ok: false, reason: 'unavailable', message: full });
  const pause = { kind: 'act', id: 'pause-it-now', runId, action: 'pause', args: {} } as const;
  const answer = await new Promise((resolve) => viewer.socket.emit('command', pause, resolve));
  expect(answer).toMatchObject({ ok: false, reason: 'failed', message: `command: ${full}` });
  await expect(connect({ url: app.url }).runs.create.mutate({ setup })).rejects.toThrow(full);
  const authorization = `Bearer ${app.trainerToken}`;
  const script = await fetch(`${app.url}/api/runs`, {
    method: 'POST',
    body: '{"key": "script-run"}',
    headers: { authorization },
  });
  expect([script.status, await script.json()]).toEqual([507, { error: full, field: null }]);
  const line = `HEADROOM_DATA ${app.dataFolder}: the disk is full; make space, or give another; what could not be kept is refused until then`;
  expect(app.trouble.filter((told) => told.includes('full'))).toEqual([line]);
  isFull = false;
  await trainer.send(...rows);
  expect((await app.hub.view(runId))!.step).toBe(10);
  viewer.socket.disconnect();
  trainer.close();
  await app.close();
});

it('an upload of a checkpoint that finds the disk full is answered, however much of it is still to come', async () => {
  const blobs = {
    async put(_hash: string, bytes: AsyncIterable<Uint8Array>) {
      for await (const _ of bytes) throw new Error('ENOSPC: no space left on device, write');
    },
  } as unknown as BlobStore;
  const server = await serveRoutes(blobRoutes(blobs), { id: 't', name: 'Trainer', role: 'trainer' });
  for (const size of [100_000, 20_000_000]) {
    const { hash, bytes } = blobOf(new Uint8Array(size));
    const body = bytes as Uint8Array<ArrayBuffer>;
    const answer = await fetch(`${server.url}/api/blobs/${hash}`, { method: 'PUT', body, signal: AbortSignal.timeout(20_000) });
    expect([answer.status, await answer.text()]).toEqual([507, `${full}\n`]);
  }
  await server.close();
});

it('a row of the audit log of which a full disk took a part is taken back: the next one is whole, and the log can be opened', async () => {
  const folder = ownFolder();
  const store = await openAuditFile(folder.path, openMemoryStore());
  const audit = await AuditLog.open(store, () => 7);
  const imported = (runId: string) =>
    audit.record(ada, () => ({ events: [{ type: 'run.changed', runId, what: 'imported' } as const], result: null }));
  await imported('run00001');
  const handle = await open(path.join(folder.path, 'any'), 'w');
  const files = Object.getPrototypeOf(handle);
  await handle.close();
  const write = files.appendFile;
  const spy = vi.spyOn(files, 'appendFile').mockImplementationOnce(async function (this: unknown, lines) {
    await write.call(this, (lines as Buffer).subarray(0, 20));
    throw new Error('ENOSPC: no space left on device, write');
  });
  await expect(imported('run00002')).rejects.toThrow('ENOSPC');
  spy.mockRestore();
  await imported('run00003');
  await store.close();
  const again = await openAuditFile(folder.path, openMemoryStore());
  const rows = await again.audit({ fromSeq: 1, limit: 10 });
  expect(rows.map(({ event }) => 'runId' in event && event.runId)).toEqual(['run00001', 'run00003']);
  await again.close();
  folder.remove();
});

it('a backup onto a full disk is refused with that, and leaves nothing half written', async () => {
  const folder = ownFolder();
  const app = await startApp();
  const copy = path.join(folder.path, 'copy');
  mkdirSync(copy);
  const [target, fresh] = [path.join(copy, 'trainer.token'), path.join(copy, 'trainer.token.new')];
  symlinkSync('/dev/full', fresh);
  await expect(backup(app.dataFolder, copy)).rejects.toThrow(`FOLDER ${copy}: the disk is full; make space, or give another`);
  expect(readdirSync(copy).filter((name) => name.endsWith('.new'))).toEqual([]);
  await backup(app.dataFolder, copy);
  expect(readFileSync(target, 'utf8').trim()).toBe(app.trainerToken);
  await app.close();
  folder.remove();
});

/** Whether this user may mount a file system in a namespace of its own. */
const mounts = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', '/mnt']).status === 0;
if (!mounts)
  console.warn(
    'SKIPPED: tests of a full disk need unshare (Debian: apt-get install util-linux), and a system that lets this user mount in a namespace of its own.',
  );

/** Runs a module with the sources' loader; `folder` is a file system of its own, which is full as soon as `fill()` returns. */
async function onSmallDisk(kilobytes: number, script: string): Promise<{ code: number; printed: string; folder: string }> {
  const own = ownFolder();
  const folder = path.join(own.path, 'disk');
  mkdirSync(folder);
  const module = `
    import { openSync, writeSync, closeSync } from 'node:fs';
    const folder = ${JSON.stringify(folder)};
    function fill() {
      for (const size of [4096, 1]) {
        const fd = openSync(folder + '/rest', 'a');
        try { for (;;) writeSync(fd, Buffer.alloc(size)); } catch { closeSync(fd); }
      }
    }
    ${script}`;
  const mounted = `mount -t tmpfs -o size=${kilobytes}k none "$0" && exec "$@"`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', module];
  const child = spawn('unshare', ['-rm', 'sh', '-c', mounted, folder, ...node], {
    cwd: root,
    env: { ...process.env, PORT: '0', HEADROOM_DATA: folder },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = await once(child, 'close');
  own.remove();
  return { code, printed, folder };
}

describe.skipIf(!mounts)('a disk that is full (needs unshare, and the right to mount)', () => {
  it('ends a start and a backup with the folder’s name and what to do', async () => {
    const start = await onSmallDisk(64, "fill(); await import('./server/process/main.ts');");
    expect(start).toMatchObject({
      code: 1,
      printed: `HEADROOM_DATA ${start.folder}: the disk is full; make space, or give another\n`,
    });
    const app = await startApp();
    const from = JSON.stringify(app.dataFolder);
    const copy = await onSmallDisk(
      64,
      `fill(); const { main } = await import('./server/store/backup.ts'); process.exitCode = await main([folder, '--from', ${from}]);`,
    );
    expect(copy).toMatchObject({
      code: 1,
      printed: `backup: FOLDER ${copy.folder}: the disk is full; make space, or give another\n`,
    });
    await app.close();
  });

  it('does not keep the store from closing: what was committed is there at the next start', async () => {
    const { code, printed } = await onSmallDisk(
      2048,
      `const { openSqliteStore } = await import('./server/store/sqlite/open.ts');
      const { rmSync } = await import('node:fs');
      const store = await openSqliteStore(folder, () => {});
      await store.setSetting('kept', 'x'.repeat(100_000));
      fill();
      await store.setSetting('lost', 'x'.repeat(1_000_000)).catch((error) => console.log(error.message));
      await store.close();
      rmSync(folder + '/rest');
      const again = await openSqliteStore(folder, () => {});
      console.log((await again.setting('kept')).length, await again.setting('lost'));
      await again.close();`,
    );
    expect([code, printed]).toEqual([0, 'database or disk is full\n100000 null\n']);
  });
});

it('a start that finds the disk full at a later moment names the folder', async () => {
  const memory = openMemoryStore();
  const full = async () => {
    throw new Error('database or disk is full');
  };
  const folder = ownFolder();
  const started = startApp({ dataFolder: folder.path, store: { ...memory, runs: full } });
  await expect(started).rejects.toThrow(`HEADROOM_DATA ${folder.path}: the disk is full; make space, or give another`);
  folder.remove();
});
