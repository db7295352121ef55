import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseSafetensors, serializeSafetensors } from '~/shared/safetensors';
import { openForTest, testedBackends } from '~/test/support/backends';
import type { OpenedBackend } from '~/trainer/backends';
import { compareWithReference } from './main';

const folder = resolve(import.meta.dirname, '../fixtures');
/**
 * Files of test/fixtures/reference.py: reverse, anomaly; causal masks; AdamW, SGD; learned embedding; linear and constant schedule; clipping by
 * value; and `odd`: sizes that divide nothing, input width != classes, no clipping.
 */
const references = readdirSync(folder).filter((file) => /^(reverse|anomaly|odd|causal|sgd).*\.safetensors$/.test(file));
const reference = (file: string) => new Uint8Array(readFileSync(join(folder, file)));

describe.each(testedBackends)("%s gives PyTorch's numbers", (name) => {
  let backend: OpenedBackend | null;
  beforeAll(async () => {
    backend = await openForTest(name);
  });
  // The plain JavaScript backend is slow: the smallest file of each task.
  const files = name === 'cpu' ? references.filter((file) => !/^(reverse|anomaly)\./.test(file)) : references;
  test.for(files)('%s', async (file, { skip }) => {
    if (!backend) return skip(`${name} does not load here`);
    const rows = await compareWithReference(reference(file), backend);
    expect(rows.filter((row) => row.ok === false)).toEqual([]);
    expect(rows.filter((row) => row.name.startsWith('grad.')).length).toBeGreaterThanOrEqual(20);
  });
});

describe('npm run parity', () => {
  const run = async (...args: string[]) => {
    const command = ['--import', 'tsx', 'test/parity/main.ts', '--backend', 'wasm', ...args];
    const root = resolve(import.meta.dirname, '../..');
    const { stdout, stderr, code } = await promisify(execFile)(process.execPath, command, { cwd: root }).then(
      (result) => ({ ...result, code: 0 }),
      (error: { stdout: string; stderr: string; code: number }) => error,
    );
    return { code, stdout, stderr: stderr.split('\n').filter((line) => !/^(\s*$|=|Hi, looks)/.test(line)) };
  };
  const temporary = async (name: string, bytes: Uint8Array) => {
    const file = join(await mkdtemp(join(tmpdir(), 'headroom-parity-')), name);
    await writeFile(file, bytes);
    return file;
  };

  test('exits 1 when a number is off, and names it', async () => {
    const { tensors, metadata } = parseSafetensors(reference('reverse-clipped.safetensors'));
    const logits = tensors.get('logits')!;
    logits.data = (logits.data as Float32Array).map((value, at) => (at === 7 ? value + 1e-3 : value));
    const { code, stdout } = await run(await temporary('off.safetensors', serializeSafetensors(tensors, metadata)));
    expect(code).toBe(1);
    expect(
      stdout
        .split('\n')
        .filter((line) => line.includes('PAST TOLERANCE'))
        .map((line) => line.trim().split(/\s+/)[0]),
    ).toEqual(['logits']);
    expect(stdout).toContain('failed: 1 of');
  });

  test('a foreign, truncated or incomplete file gets its reason and exit code 2; the others are still compared', async () => {
    const whole = reference('reverse-clipped.safetensors');
    const { tensors, metadata } = parseSafetensors(whole);
    tensors.delete('grad.input_net.1.bias');
    const foreign = await temporary('foreign.safetensors', new TextEncoder().encode('this is a text, not tensors'));
    const truncated = await temporary('truncated.safetensors', whole.subarray(0, whole.length - 10));
    const incomplete = await temporary('incomplete.safetensors', serializeSafetensors(tensors, metadata));
    const bare = await temporary('bare.safetensors', serializeSafetensors(tensors));
    const { code, stdout, stderr } = await run(
      foreign,
      truncated,
      incomplete,
      bare,
      '/nowhere/x',
      join(folder, 'reverse-clipped.safetensors'),
    );
    expect(code).toBe(2);
    expect(stderr).toEqual([
      `${foreign}: not a safetensors file: its first 8 bytes are no plausible header length`,
      expect.stringContaining(`${truncated}: truncated: the tensors need`),
      `${incomplete}: tensor "grad.input_net.1.bias" is missing`,
      `${bare}: a safetensors file, but no reference case: its metadata has no "case" (test/fixtures/reference.py writes it)`,
      expect.stringContaining('/nowhere/x: ENOENT'),
    ]);
    expect(stdout).toContain('  passed');
  });

  test('an unknown flag or backend, or no file, is an error', async () => {
    expect((await run('--speed')).stderr[0]).toContain("Unknown option '--speed'");
    expect((await run('--backend', 'abacus', 'x')).stderr[0]).toBe(
      'parity: backend: "abacus" is none of auto, tensorflow, webgpu, onnx, wasm, cpu',
    );
    expect((await run()).stderr[0]).toBe('parity: name at least one file');
  });
});
