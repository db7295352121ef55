import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack } from '~/server/process/pack';
import { ownFolder } from '~/test/support/folder';
import { freePort, startProduct } from '~/test/support/product';

/** The package as npm unpacks it. It lies inside the repository, so that the packages that npm would install beside it are found in ours. */
describe('the package that npx headroom runs', () => {
  const data = ownFolder();
  let folder = '';
  beforeAll(async () => {
    const file = await pack(() => {});
    const beside = join(dirname(file), 'unpacked/node_modules');
    // What an earlier run of this test left there is not in the package.
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { recursive: true });
    execFileSync('tar', ['-xzf', file, '-C', beside]);
    folder = join(beside, 'package');
  });
  afterAll(() => data.remove());

  const run = (args: string[], cwd = folder): string =>
    execFileSync(process.execPath, args, { cwd, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } });

  it('holds no source that is compiled at start, and no tests', () => {
    expect(readdirSync(folder).sort()).toEqual(
      [
        '.build',
        '.next',
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'next.config.mjs',
        'node_modules',
        'package.json',
        'shared',
        'trainer',
        'types',
      ].sort(),
    );
  });

  it('serves the dashboard, and its typed client asks that server', async () => {
    const port = await freePort();
    const program = { command: process.execPath, args: [join(folder, '.build/server/headroom.js')], folder: data.path };
    const product = await startProduct({ dataFolder: join(data.path, 'data'), port, env: { HEADROOM_TRAINERS: '0' }, program });
    try {
      const page = await fetch(product.url);
      expect([page.status, (await page.text()).includes('<title>')]).toEqual([200, true]);
      // A package may import itself by its name.
      const script = join(folder, 'script.mjs');
      writeFileSync(
        script,
        `import { connect } from 'headroom/client'; console.log(JSON.stringify(await connect({ url: '${product.url}' }).runs.list.query()));`,
      );
      expect(JSON.parse(run([script]))).toEqual([]);
    } finally {
      await product.stop();
    }
  });

  it('declares the types of its client: a wrong use is an error of the compiler', () => {
    const script = join(folder, 'script.mts');
    writeFileSync(
      script,
      "import { connect } from 'headroom/client';\nconst [run] = await connect({ url: '' }).runs.list.query();\nexport const wrong: number = run!.runId;\n",
    );
    const flags = '--noEmit --module nodenext --target es2022 --strict --types node --incremental false --ignoreConfig'.split(
      ' ',
    );
    const compiler = new URL('../../node_modules/typescript/bin/tsc', import.meta.url).pathname;
    let printed = '';
    try {
      run([compiler, ...flags, script]);
    } catch (error) {
      printed = (error as { stdout: string }).stdout;
    }
    expect(printed.trim()).toMatch(/^script\.mts\(3,14\): error TS2322: Type 'string' is not assignable to type 'number'\.$/);
  });

  it('trains without a server', () => {
    const headroom = join(folder, '.build/server/headroom.js');
    const flags = '--recipe reverse --epochs 1 --trainSize 256 --validationSize 64 --testSize 64 --backend wasm --json'.split(
      ' ',
    );
    expect(
      JSON.parse(
        run([headroom, 'train', ...flags], data.path)
          .trim()
          .split('\n')
          .at(-1)!,
      ),
    ).toMatchObject({ status: 'finished', steps: 2 });
  });
});
