/** The arrows of the design: who may import whom. trainer/, server/ and app/ meet only in shared/; app/ may take types of server/. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  file: string;
  /** Repository path for our own modules, package name for others. */
  target: string;
  typeOnly: boolean;
  /** Loaded when it is needed. */
  lazy: boolean;
}

const statement =
  /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

const read = new Map<string, Import[]>();

function importsOf(folder: string): Import[] {
  const known = read.get(folder);
  if (known) return known;
  const imports = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && /\.(ts|tsx)$/.test(e.name))
    .flatMap((e) => {
      const path = join(e.parentPath, e.name);
      const file = relative(root, path);
      return [...readFileSync(path, 'utf8').matchAll(statement)].map((m) => ({
        file,
        target: resolved(file, m[2] ?? m[3]!),
        typeOnly: m[1] !== undefined,
        lazy: m[3] !== undefined,
      }));
    });
  read.set(folder, imports);
  return imports;
}

function resolved(file: string, specifier: string): string {
  if (specifier.startsWith('~/')) return specifier.slice(2);
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier));
  return specifier;
}

const inside = (target: string, ...folders: string[]) => folders.some((f) => target === f || target.startsWith(`${f}/`));
const ours = (target: string) => inside(target, 'app', 'server', 'trainer', 'shared', 'test');
const packageOf = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
const builtin = (target: string) => target.startsWith('node:') || builtinModules.includes(target);
const breaking = (imports: Import[], allowed: (i: Import) => boolean) =>
  imports.filter((i) => !allowed(i)).map((i) => `${i.file} imports ${i.target}`);

/** One way round for each circle that a walk through all files comes upon. */
function circles(next: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...way, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return found;
}

describe('imports', () => {
  it('are found at all', () => {
    const found = importsOf('server').filter((i) => i.file === 'server/process/app.ts');
    expect(found).toContainEqual({ file: 'server/process/app.ts', target: 'server/runs/openHub', typeOnly: false, lazy: false });
    expect(found).toContainEqual({ file: 'server/process/app.ts', target: 'shared/ids', typeOnly: true, lazy: false });
  });

  it('shared/ takes nothing but zod, and the parser of socket.io', () => {
    expect(
      breaking(importsOf('shared'), (i) => inside(i.target, 'shared') || ['zod', 'socket.io-parser'].includes(i.target)),
    ).toEqual([]);
  });

  it('trainer/ and server/ take of ours only shared/', () => {
    for (const folder of ['trainer', 'server'])
      expect(breaking(importsOf(folder), (i) => !ours(i.target) || inside(i.target, folder, 'shared'))).toEqual([]);
  });

  it('app/ takes shared/, types of server/, and nothing of Node', () => {
    expect(
      breaking(importsOf('app'), (i) => {
        if (inside(i.target, 'server')) return i.typeOnly;
        return ours(i.target) ? inside(i.target, 'app', 'shared') : !builtin(i.target);
      }),
    ).toEqual([]);
  });

  it('no two files of a folder differ only in upper and lower case, with or without their ending', () => {
    const clashes = ['app', 'server', 'trainer', 'shared', 'test'].flatMap((folder) => {
      const seen = new Map<string, string>();
      return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((e) => e.isFile() && /\.(ts|tsx)$/.test(e.name))
        .flatMap((e) => {
          const file = relative(root, join(e.parentPath, e.name));
          const key = file.replace(/\.tsx?$/, '').toLowerCase();
          const other = seen.get(key);
          seen.set(key, file);
          return other ? [`${other} and ${file}`] : [];
        });
    });
    expect(clashes).toEqual([]);
  });

  it('charts know no live data', () => {
    expect(breaking(importsOf('app/_charts'), (i) => !inside(i.target, 'app/_live', 'app/_trpc'))).toEqual([]);
  });

  it.each([
    [
      'server',
      [
        'base',
        'audit store',
        'team',
        'runs dispatch watchdogs retention',
        'trpc',
        'export import mcp intake',
        'web sockets',
        'process cluster',
      ],
    ],
    ['trainer', ['base', 'nn', 'backends', 'recipes data', 'headless', 'run', 'link', 'process']],
  ])('%s/ has floors: a folder takes values only of its own floor and those below', (top, floors) => {
    const floorOf = (path: string) => floors.findIndex((names) => names.split(' ').includes(path.split('/')[1]!));
    const within = importsOf(top).filter((i) => inside(i.target, top));
    expect(within.length).toBeGreaterThan(0);
    expect(importsOf(top).filter((i) => i.file.split('/').length > 2 && floorOf(i.file) < 0)).toEqual([]);
    expect(breaking(within, (i) => i.typeOnly || floorOf(i.target) <= floorOf(i.file))).toEqual([]);
  });

  it('no file imports itself, by whatever way round, types included', () => {
    const folders = ['app', 'server', 'shared', 'trainer', 'test'];
    const files = new Set(folders.flatMap((folder) => importsOf(folder).map((i) => i.file)));
    const fileOf = (target: string) =>
      ['.ts', '.tsx', '/index.ts', '/index.tsx'].map((end) => target + end).find((f) => files.has(f));
    const next = new Map<string, string[]>();
    for (const { file, target } of folders.flatMap(importsOf)) {
      const to = fileOf(target);
      if (to) next.set(file, [...(next.get(file) ?? []), to]);
    }
    expect(next.size).toBeGreaterThan(500);
    expect(circles(next)).toEqual([]);
    // What the rule would find.
    expect(
      circles(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'd']],
          ['c', ['a']],
        ]),
      ),
    ).toEqual(['a -> b -> c -> a']);
  });

  it('the page of a run starts without large packages that it needs later, if at all', () => {
    const imports = ['app', 'shared'].flatMap(importsOf).filter((i) => !i.typeOnly && !i.lazy);
    const files = new Set(imports.map((i) => i.file));
    const reached = new Set([
      'app/layout.tsx',
      'app/runs/[runId]/page.tsx',
      'app/_run/curves/CurvesPanel.tsx',
      'app/_run/steering/SteeringPanel.tsx',
    ]);
    // Files that are added while the loop runs are visited too.
    for (const file of reached)
      for (const { target } of imports.filter((i) => i.file === file))
        reached.add(['.ts', '.tsx'].map((end) => target + end).find((f) => files.has(f)) ?? target);
    expect(reached).toContain('app/_charts/LineChart.tsx');
    expect(reached).toContain('zod/mini');
    const later = ['zod', 'sonner', 'cmdk', '@base-ui/react', '@visx/scale', '@visx/shape'];
    expect([...reached].filter((to) => later.includes(to === 'zod/mini' ? to : packageOf(to)))).toEqual([]);
  });

  it('the trainer knows no viewers and no database; SQL stays in server/store', () => {
    expect(
      breaking(importsOf('trainer'), (i) => !['better-sqlite3', 'next', 'react', 'socket.io'].includes(packageOf(i.target))),
    ).toEqual([]);
    expect(
      breaking(
        importsOf('server'),
        (i) => packageOf(i.target) !== 'better-sqlite3' || inside(i.file, 'server/store', 'server/audit'),
      ),
    ).toEqual([]);
  });

  it.each([
    'server/runs/log',
    'server/runs/room',
    'server/runs/accept',
    'server/runs/judge',
    'server/runs/frames',
    'server/runs/runList',
    'server/dispatch/trainers',
    'server/dispatch/assigning',
  ])('%s is a core: no socket, file, timer or database', (core) => {
    const hosts = [
      'socket.io',
      'better-sqlite3',
      'node:fs',
      'node:fs/promises',
      'node:http',
      'node:net',
      'node:timers',
      'node:child_process',
    ];
    const own = importsOf('server').filter((i) => i.file === `${core}.ts`);
    expect(own.length).toBeGreaterThan(0);
    expect(breaking(own, (i) => !hosts.includes(i.target))).toEqual([]);
    expect(readFileSync(join(root, `${core}.ts`), 'utf8')).not.toMatch(/\b(setTimeout|setInterval|Date\.now|Math\.random)\b/);
  });
});
