/**
 * `npm run pack`: the package that `npx headroom` installs, as .build/headroom-VERSION.tgz. It contains the built dashboard,
 * server and trainer, so nothing is compiled at start.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build';
import { readEnv } from './env';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(root, 'node_modules');
const folder = join(root, '.build/package');

/** Packages that a bundle loads by path or dynamically, so that its imports do not name them. */
const foundOtherwise = ['@tensorflow/tfjs-backend-webgpu', 'react', 'react-dom'];
/** Large packages that few users need: they are installed separately, and the program says so when one is missing. */
const leftOut = ['webgpu', 'sharp', '@tensorflow/tfjs-node-gpu', '@aws-sdk/client-s3', '@aws-sdk/lib-storage'];
/** Packages that are inside ours: from the registry they bring large packages that are not needed, Next its tools and tRPC TypeScript. */
const inside = ['next', '@trpc/client', '@trpc/server'];
/** The program uses the one that fits the machine (store/sqlite/driver.ts). */
const optional = ['better-sqlite3', 'better-sqlite3-13'];

interface Manifest {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  [key: string]: unknown;
}
const readManifest = (of: string): Manifest => JSON.parse(readFileSync(join(of, 'package.json'), 'utf8')) as Manifest;

/** Names of all packages that the bundles in `from` import. */
function imported(from: string): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js')))
    for (const [, target] of readFileSync(join(from, file), 'utf8').matchAll(
      /(?:\bfrom|\bimport\(?|\brequire\()\s*["']([^."'][^"']*)["']/g,
    ))
      if (!isBuiltin(target!)) names.add(target!.split('/', target!.startsWith('@') ? 2 : 1).join('/'));
  return [...names];
}

/** Copies the packages that are inside ours, and their dependencies, to `to`. @returns the names of the packages */
function copyInside(to: string): string[] {
  const notAtRunTime =
    /\.map$|\.d\.ts$|\.dev\.js$|experimental\.runtime|\/next\/dist\/(esm|docs|next-devtools|bundle-analyzer)(\/|$)/;
  const names: string[] = [];
  const copy = (name: string): void => {
    if (names.includes(name) || !existsSync(join(modules, name))) return;
    names.push(name);
    const { optionalDependencies: _, peerDependencies: _peers, ...manifest } = readManifest(join(modules, name));
    cpSync(join(modules, name), join(to, name), {
      recursive: true,
      // The declarations of our client name types of tRPC.
      filter: (file) => !(name.startsWith('@trpc/') ? /\.map$/ : notAtRunTime).test(file.replaceAll('\\', '/')),
    });
    writeFileSync(join(to, name, 'package.json'), JSON.stringify(manifest, null, 2));
    // tRPC declares its adapter for ws with names that ws does not export: an error for whoever checks libraries. Our client has no use for it.
    for (const file of readdirSync(join(to, name), { recursive: true, encoding: 'utf8' }).filter((f) =>
      /\bws-[\w-]+\.d\./.test(f),
    ))
      writeFileSync(
        join(to, name, file),
        readFileSync(join(to, name, file), 'utf8').replace(
          /^import (\w+) from "ws";$/m,
          'declare namespace $1 { type WebSocket = unknown; type WebSocketServer = unknown; }',
        ),
      );
    for (const dependency of Object.keys(manifest.dependencies ?? {})) copy(dependency);
  };
  for (const name of inside) copy(name);
  return names;
}

/** TypeScript declarations of the modules that users import, for editors. */
function declarations(entries: string[]): void {
  const to = join(folder, 'types');
  const settings = ['--emitDeclarationOnly', '--declaration', '--outDir', to, '--rootDir', '.', '--incremental', 'false'];
  const compiler = join(modules, 'typescript/bin/tsc');
  const config = join(root, '.build/tsconfig.pack.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: { noEmit: false, paths: { '~/*': ['../*'] } },
      include: [],
      files: entries,
    }),
  );
  execFileSync(process.execPath, [compiler, '-p', config, ...settings], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  // Outside the repository "~" does not resolve, and Node's module resolution needs full file names.
  for (const file of readdirSync(to, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'))) {
    const path = join(to, file);
    const whole = (specifier: string): string => {
      const target = specifier.startsWith('~/') ? join(to, specifier.slice(2)) : join(dirname(path), specifier);
      const end = existsSync(`${target}.d.ts`) ? '.js' : '/index.js';
      const from = relative(dirname(path), target + end).replaceAll('\\', '/');
      return from.startsWith('.') ? from : `./${from}`;
    };
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replaceAll(
        /(\bfrom |\bimport\(|\bimport )(["'])((?:~|\.\.?)\/[^"']*)\2/g,
        (_, before, quote, target) => before + quote + whole(target) + quote,
      ),
    );
  }
}

/** @returns the path of the package */
export async function pack(say: (line: string) => void): Promise<string> {
  await build(say, readEnv(process.env).basePath);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const copied = [
    '.build/server',
    '.build/trainer',
    '.build/replay.html',
    '.next',
    'next.config.mjs',
    'trainer',
    'shared',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
  ];
  for (const name of copied)
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (file) =>
        !/\/\.next\/(cache|dev|types|diagnostics|trace)|\/trainer\/python|__pycache__|\.map$/.test(file.replaceAll('\\', '/')),
    });
  say('writing the declarations ...');
  declarations(['../server/mcp/client.ts', '../trainer/recipes/kit.ts']);
  const bundled = copyInside(join(folder, 'node_modules'));

  const { name, version, license, description, dependencies, optionalDependencies = {}, engines } = readManifest(root);
  const versions: Record<string, string> = { ...dependencies, ...optionalDependencies };
  const needed = [
    ...new Set([...imported(join(root, '.build/server')), ...imported(join(root, '.build/trainer')), ...foundOtherwise]),
  ];
  const pick = (names: string[]) =>
    Object.fromEntries(
      names
        .filter((n) => versions[n])
        .sort()
        .map((n) => [n, versions[n]!]),
    );
  const manifest = {
    ...{ name, version, license, description, engines },
    type: 'module',
    bin: { headroom: '.build/server/headroom.js' },
    exports: {
      './client': { types: './types/server/mcp/client.d.ts', default: './.build/server/client.js' },
      './recipes': { types: './types/trainer/recipes/kit.d.ts', default: './trainer/recipes/kit.ts' },
      './package.json': './package.json',
    },
    dependencies: {
      ...pick(needed.filter((n) => ![...leftOut, ...optional, ...bundled].includes(n))),
      ...Object.fromEntries(bundled.map((n) => [n, readManifest(join(modules, n)).version])),
    },
    optionalDependencies: pick(optional),
    bundleDependencies: bundled,
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const printed = execFileSync(npm, ['pack', '--json', '--pack-destination', dirname(folder)], { cwd: folder, encoding: 'utf8' });
  const [{ filename }] = JSON.parse(printed) as [{ filename: string }];
  return join(dirname(folder), basename(filename));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  pack((line) => console.log(line)).then(
    (file) => console.log(file),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
}
