import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { build } from '~/server/process/build';
import type { LoggedCommand } from '~/shared/commands';
import { startApp, type TestApp } from '~/test/support/app';
import { openForTest } from '~/test/support/backends';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { TrainerClient } from '~/test/support/trainerClient';
import { recipeConfig, usual } from '~/trainer/base/config';
import type { Split } from '~/trainer/base/splits';
import { RandomStream } from '~/trainer/nn/random';
import { RecipeBook } from '~/trainer/recipes/book';
import { defineRecipe } from '~/trainer/recipes/define';
import { train } from '~/trainer/run/train';
import type { Batch, CommandSource, Task } from '~/trainer/types';

/** A recipe that no file but this one knows: each number of a sequence is to be raised by a fixed amount, going round. */
const config = recipeConfig(
  z.strictObject({
    length: z.int().min(2).max(32).meta({ title: 'Sequence length', 'x-unit': 'numbers' }),
    raise: z.int().min(0).max(9).meta({ title: 'Raise by', description: 'Added to each number, modulo 10.' }),
    order: z.enum(['same', 'turned']).meta({ title: 'Order', 'x-titles': { same: 'as it came', turned: 'turned round' } }),
    examples: z.int().min(16).max(100_000).meta({ title: 'Examples' }),
  }),
  { batchSize: { 'x-atMost': 'task.examples' } },
);
const published: z.infer<typeof config> = {
  ...usual,
  task: { length: 6, raise: 1, order: 'same', examples: 64 },
  backend: 'cpu',
  model: { layers: 1, heads: 1, modelDim: 16, dropout: 0, inputDropout: 0 },
  schedule: { kind: 'constant', warmupSteps: 0, maxSteps: null },
  clip: { mode: 'norm', threshold: 5 },
  batchSize: 16,
  epochs: 3,
  snapshotEverySteps: 5,
  probeSize: 2,
};
const raising = defineRecipe({
  name: 'raising',
  title: 'Raise each number',
  summary: 'Every number of a sequence is to be raised by the same amount.',
  config,
  presets: [{ name: 'tiny', title: 'Tiny', config: published }],
  open: ({ config: { task, seed: _seed, ...rest }, seed }) => raisingTask(seed, task, rest.probeSize),
});

function raisingTask(seed: number, { length, raise, order, examples }: (typeof published)['task'], probes: number): Task {
  const sizes = { train: examples, validation: 16, test: 16 } as Record<Split, number>;
  const draw = (split: Split) => new RandomStream(seed, `raising/${split}`);
  const batch = (split: Split, first: number, size: number): Batch => {
    const inputs = Int32Array.from({ length: size * length }, (_, i) => draw(split).integer(first * length + i, 10));
    const from = (i: number) => (order === 'same' ? i : i - (i % length) + (length - 1 - (i % length)));
    return { size, inputs, labels: inputs.map((_, i) => (inputs[from(i)]! + raise) % 10) };
  };
  return {
    shape: { input: 'onehot', inputDim: 10, seqLen: length, positional: true, output: 'position', outputDim: 10 },
    sizes,
    data: null,
    probeHelp: `${length} digits`,
    chanceLoss: Math.log(10),
    trainBatch: (_epoch, index, size) => batch('train', index, size),
    *evaluationBatches(split, size) {
      for (let first = 0; first < sizes[split]; first += size) yield batch(split, first, Math.min(size, sizes[split] - first));
    },
    probe(size) {
      const shown = batch('validation', 0, Math.min(size, probes));
      const examples = Array.from({ length: shown.size }, (_, e) => ({
        labels: { kind: 'numbers' as const, items: Array.from(shown.inputs.subarray(e * length, (e + 1) * length)) },
      }));
      return { batch: shown, describe: { examples, signals: [] } };
    },
    notation: () => '',
  };
}

/** Trains what it is assigned with the real loop, in this process, until it is closed. */
async function startTrainer(app: TestApp): Promise<{ close(): void }> {
  const client = await TrainerClient.connect(app.address, { name: 'own', recipes: [raising.spec] });
  const backend = (await openForTest('cpu'))!;
  const book = new RecipeBook([raising]);
  void (async () => {
    for (;;) {
      client.ready();
      const assignment = await client.assigned(Number.POSITIVE_INFINITY);
      const { recipe, config } = book.of(assignment.setup);
      const arrived: LoggedCommand[] = [...assignment.commands];
      const commands: CommandSource = {
        take: () => [...arrived.splice(0), ...client.received.take('command')],
        async wait() {
          if (arrived.length === 0) arrived.push(await client.received.next('command', Number.POSITIVE_INFINITY));
        },
      };
      const options = { recipe, config, backend, commands, resume: null, startFrom: null, dataFolder: app.dataFolder };
      for await (const { event, blob } of train(options)) {
        if (blob && 'blob' in event && event.blob) await client.put({ hash: event.blob.hash, bytes: blob });
        await client.send(event);
      }
    }
  })().catch((error: unknown) => {
    if (client.socket.connected) throw error;
  });
  return { close: () => client.close() };
}

describeInBrowser('a recipe of somebody’s own', { timeout: 240_000 }, () => {
  let app: TestApp;
  let trainer: { close(): void };
  let browser: Browser;
  let closeBrowser: () => Promise<void>;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root: fileURLToPath(new URL('../../', import.meta.url)) } });
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    trainer?.close();
    await app?.close();
  });

  it('appears in the form when its trainer joins, is judged while it is typed, waits paused, and is trained to its end', async () => {
    const page: Page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    await page.goto(app.url);
    await page.getByRole('button', { name: 'New run' }).first().click();
    const form = page.getByRole('dialog');
    await form.getByText('No recipe is known yet').waitFor();
    trainer = await startTrainer(app);
    await form.getByRole('radio', { name: 'Raise each number' }).waitFor();

    const field = (label: string) => form.getByLabel(label, { exact: true });
    await field('Raise by').fill('12');
    await field('Batch size').fill('65');
    await form.getByText('Raise by: 12 does not fit; give a whole number from 0 to 9').waitFor();
    await form.getByText('Batch size: 65 is more than Examples (64); give at most 64, or change Examples').waitFor();
    await form.getByText('2 fields do not fit.').waitFor();
    await field('Raise by').fill('3');
    await field('Batch size').fill('16');
    await field('Order').selectOption('turned round');
    await field('Name').fill('Three up');
    await field('Project').fill('own recipes');
    await field('Tags').fill('first, tiny');
    // What was typed is there after the page was left.
    await page.reload();
    await page.getByRole('button', { name: 'New run' }).first().click();
    await expect.poll(() => field('Raise by').inputValue()).toBe('3');
    await form.getByLabel('Start paused').check();
    await form.getByRole('button', { name: 'Start run' }).click();

    await page.waitForURL(/\/runs\/[a-z0-9]+/);
    await page.getByRole('heading', { name: 'Three up' }).waitFor();
    await page.getByTestId('status').getByText('paused').waitFor();
    await expect.poll(() => page.getByTestId('step').textContent()).toBe('0');
    await page.getByRole('tab', { name: 'Set-up' }).click();
    const setup = page.getByRole('region', { name: 'Started with' });
    await setup.getByText('Raise by').waitFor();
    const shown = (await setup.locator('dl > div').allInnerTexts()).map((line) => line.split('\n').map((t) => t.trim()));
    expect(shown).toEqual(
      expect.arrayContaining([
        ['Recipe', 'Raise each number'],
        ['Project', 'own recipes'],
        ['Sequence length (numbers)', '6'],
        ['Raise by', '3'],
        ['Order', 'turned round'],
        ['Early stop after (validations)', 'never'],
      ]),
    );
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Resume' }).click();
    // 64 examples, 16 at a time, 3 times: 12 steps.
    await page.getByTestId('status').getByText('finished').waitFor();
    await expect.poll(() => page.getByTestId('step').textContent()).toBe('12');

    const runId = new URL(page.url()).pathname.split('/').at(-1)!;
    const view = (await app.hub.view(runId))!;
    expect(view.setup).toEqual({
      name: 'Three up',
      project: 'own recipes',
      tags: ['first', 'tiny'],
      recipe: { name: 'raising', trainer: null },
      config: { ...published, task: { ...published.task, raise: 3, order: 'turned' } },
    });
    await page.goto(app.url);
    const row = page.getByRole('row', { name: /Three up/ });
    await row.getByText('Raise each number').waitFor();
    await row.getByRole('button', { name: 'own recipes' }).waitFor();
    // The draft is gone with the start.
    await page.getByRole('button', { name: 'New run' }).first().click();
    await expect.poll(() => field('Raise by').inputValue()).toBe('1');
    expect(app.trouble).toEqual([]);
  });
});
