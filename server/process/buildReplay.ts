/**
 * Builds .build/replay.html, the page at the start of every replay file (export/replay.ts): the panels of app/_run with scripts,
 * styles and fonts in one file. Its content security policy allows this one script and no network access.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const replayPage = join(root, '.build/replay.html');

/** Modules that need a server, and their replacements. */
const standIns: Record<string, string> = {
  'app/_trpc/client.tsx': 'app/_replay/client.ts',
  'app/_live/fetchBlob.ts': 'app/_replay/fetchBlob.ts',
  'app/_live/decoder.ts': 'app/_replay/decoder.ts',
  'app/_live/socket.ts': 'app/_replay/absent.ts',
};

/** Where export/replay.ts inserts the name of the run. */
export const titlePlace = '<!--title-->';

/** @throws Error when the sources do not build */
export async function buildReplayPage(): Promise<void> {
  const [script, style] = await Promise.all([bundle(), styles()]);
  if (/<\/script|<!--/i.test(script))
    throw new Error('the replay page: its script would end, or begin a comment, inside the page');
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    "style-src 'unsafe-inline'",
    'img-src data: blob:',
    'media-src blob:',
    'font-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titlePlace}</title>
<style>${style}</style>
<script>${script}</script>
</head>
<body>
<div id="replay"><noscript>This replay needs JavaScript.</noscript><p style="padding:2rem">Opening the replay …</p></div>
`;
  await mkdir(dirname(replayPage), { recursive: true });
  // Another process may be reading the present file.
  const own = `${replayPage}.${process.pid}`;
  await writeFile(own, page);
  await rename(own, replayPage);
}

/** Whether a file with exactly this name exists; case-sensitive on every file system. */
const isThere = (file: string): boolean => {
  try {
    return readdirSync(dirname(file)).includes(basename(file));
  } catch {
    return false;
  }
};

async function bundle(): Promise<string> {
  const { build } = await import('esbuild');
  const ours: Plugin = {
    name: 'ours',
    setup(build) {
      // A file system that ignores case would accept another name.
      build.onResolve({ filter: /^(\.|~\/)/ }, ({ path, resolveDir, importer }) => {
        if (importer.includes('node_modules')) return undefined;
        const wanted = path.startsWith('~/') ? join(root, path.slice(2)) : join(resolveDir, path);
        const file = ['.tsx', '.ts'].map((end) => wanted + end).find(isThere);
        if (!file) return undefined;
        const other = standIns[file.slice(root.length).replaceAll('\\', '/')];
        return { path: other ? join(root, other) : file };
      });
    },
  };
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['app/_replay/main.tsx'],
    alias: { 'next/link': './app/_replay/Link.tsx', 'next/navigation': './app/_replay/absent.ts' },
    plugins: [ours],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    jsx: 'automatic',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.NEXT_PUBLIC_BASE_PATH': '""' },
    legalComments: 'none',
    logLevel: 'warning',
  });
  return outputFiles[0]!.text.replaceAll('<!--', '<\\!--');
}

/** app/globals.css compiled as in Next, with Latin font subsets only: other scripts use the reader's own fonts. */
async function styles(): Promise<string> {
  const from = join(root, 'app/globals.css');
  const require = createRequire(import.meta.url);
  const { default: tailwind } = await import('@tailwindcss/postcss');
  const tailwindRequire = createRequire(require.resolve('@tailwindcss/postcss'));
  const postcss = tailwindRequire('postcss') as typeof import('postcss').default;
  const { root: sheet } = await postcss([tailwind({ base: root, optimize: { minify: true } })]).process(
    await readFile(from, 'utf8'),
    { from },
  );
  const faces: string[] = [];
  for (const name of ['@fontsource-variable/inter', '@fontsource-variable/jetbrains-mono']) {
    const file = require.resolve(`${name}/files/${name.split('/')[1]}-latin-wght-normal.woff2`);
    const family = name.endsWith('inter') ? 'Inter Variable' : 'JetBrains Mono Variable';
    const bytes = (await readFile(file)).toString('base64');
    faces.push(
      `@font-face{font-family:"${family}";font-display:swap;font-weight:100 900;src:url(data:font/woff2;base64,${bytes}) format("woff2-variations")}`,
    );
  }
  (sheet as import('postcss').Root).walkAtRules('font-face', (rule) => void rule.remove());
  const style = `${faces.join('')}${sheet.toString()}`;
  if (/<\/style/i.test(style)) throw new Error('the replay page: its style would end inside the page');
  return style;
}
