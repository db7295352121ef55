import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Config } from '~/shared/setup';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { everyKindConfig } from '~/test/support/everyKind';

interface InPage {
  seen: {
    setup: { config: Config; recipe: unknown; name: string };
    setups: { config: Config }[];
    started: number;
    show(problems: { field: string; message: string }[]): void;
  };
}

describeInBrowser('the new-run form over a schema in Chromium', { timeout: 120_000 }, () => {
  let browser: Browser;
  let close: () => Promise<void>;
  let script: string;
  let page: Page;

  beforeAll(async () => {
    const built = await build({
      entryPoints: [fileURLToPath(new URL('../../../support/formPage.tsx', import.meta.url))],
      bundle: true,
      write: false,
      format: 'iife',
      jsx: 'automatic',
      define: { 'process.env.NODE_ENV': '"production"', 'process.env.NEXT_PUBLIC_BASE_PATH': '""' },
      tsconfig: fileURLToPath(new URL('../../../../tsconfig.json', import.meta.url)),
    });
    script = built.outputFiles[0]!.text;
    ({ browser, close } = await openBrowser());
  });
  afterAll(() => close?.());
  beforeEach(async () => {
    await page?.close();
    page = await browser.newPage({ viewport: { width: 1000, height: 1400 } });
    await page.setContent('<main></main>');
    await page.addScriptTag({ content: script });
    await page.getByRole('button', { name: 'Start run' }).waitFor();
  });

  const setup = () => page.evaluate(() => (window as unknown as InPage).seen.setup);
  const config = async () => (await setup()).config;
  const field = (label: string) => page.getByLabel(label, { exact: true });
  const show = (problems: { field: string; message: string }[]) =>
    page.evaluate((p) => (window as unknown as InPage).seen.show(p), problems);
  /** What a screen reader says of a field beside its label. */
  const described = (label: string) =>
    field(label).evaluate((element) =>
      (element.getAttribute('aria-describedby') ?? '')
        .split(' ')
        .filter(Boolean)
        .map((id) => document.getElementById(id)?.textContent ?? '')
        .join(' | '),
    );

  it('begins with the first preset of the first recipe, and sends it as it is', async () => {
    expect(await setup()).toEqual({
      name: 'Every kind',
      tags: [],
      recipe: { name: 'every-kind', trainer: null },
      config: everyKindConfig,
    });
  });

  it('every kind of setting is typed in by its label', async () => {
    await field('Seed').fill('7');
    await field('Learning rate').fill('1e-2');
    await field('Label').fill('second');
    await field('Shuffle').uncheck();
    await field('Flip').selectOption('yes');
    await field('Patience').fill('5');
    await page.getByText('or give its hash').click();
    await field('Start from').fill('c'.repeat(64));
    await field('Betas').fill('0.8, 0.99');
    await field('Extra').fill('{"deep": [1, null]}');
    await field('Heads').fill('8');
    await field('Noise').check();
    await field('Share').fill('0.5');
    await field('Clip value').fill('1');
    expect(await config()).toEqual({
      ...everyKindConfig,
      seed: 7,
      rate: 0.01,
      label: 'second',
      shuffle: false,
      flip: true,
      patience: 5,
      startFrom: 'c'.repeat(64),
      betas: [0.8, 0.99],
      extra: { deep: [1, null] },
      model: { heads: 8, width: 32 },
      noise: { share: 0.5 },
      threshold: 1,
    });
    await field('Patience').fill('');
    await field('Flip').selectOption('as the data says');
    expect(await config()).toMatchObject({ patience: null, flip: null });
  });

  it('each says what it is for, what it takes, what is usual, its unit, its default and from where', async () => {
    expect(await described('Seed')).toBe('Decides everything random. A whole number from 0 to 99. Default 3.');
    expect(await described('Learning rate')).toBe(
      'A number > 0. Usually 0.0001 to 0.01. Default 0.001. https://arxiv.org/abs/1412.6980',
    );
    await page.getByRole('button', { name: 'About Learning rate' }).click();
    const about = page.getByRole('dialog', { name: 'Learning rate' });
    await about.getByText('Usually 0.0001 to 0.01.').waitFor();
    expect(await about.getByRole('link').getAttribute('href')).toBe('https://arxiv.org/abs/1412.6980');
    await page.keyboard.press('Escape');
    await about.waitFor({ state: 'detached' });
    expect(await described('Patience')).toBe('validations | A whole number >= 1 or empty (never). Default never.');
    await expect.poll(() => field('Patience').getAttribute('placeholder')).toBe('never');
    await field('Patience').fill('120000');
    expect(await described('Patience')).toContain('120,000 validations | ');
    await field('Learning rate').fill('1');
    expect(await described('Learning rate')).toContain(' | usually 0.0001 to 0.01: outside of that');
    await field('Learning rate').fill('0.001, 1, 2');
    expect(await described('Learning rate')).toContain(' | usually 0.0001 to 0.01; outside of that: 1, 2');
  });

  it('a choice that cannot work here is there, cannot be chosen, and says why and what helps', async () => {
    const option = field('Pictures').locator('option', { hasText: 'photographs' });
    await expect.poll(() => option.isDisabled()).toBe(true);
    expect(await described('Pictures')).toContain('photographs: they are not prepared; npm run photos prepares them');
    await expect.poll(() => field('Pictures').inputValue()).toBe('drawn');
  });

  it('what has no effect is not shown; another kind of a union has its own settings', async () => {
    await field('Clip by').selectOption('off');
    await expect.poll(() => field('Clip value').count()).toBe(0);
    expect(await config()).toMatchObject({ clip: 'off', threshold: 5 });
    await field('Kind').selectOption('constant');
    await expect.poll(() => field('Warm-up').count()).toBe(0);
    expect((await config()).schedule).toEqual({ kind: 'constant' });
    await field('Kind').selectOption('cosine');
    expect((await config()).schedule).toEqual({ kind: 'cosine', warmup: 50 });
  });

  it('settings that few people change are folded away, unless they are wrong', async () => {
    await expect.poll(() => field('Width').count()).toBe(0);
    await show([{ field: 'config.model.width', message: 'Width: 32 does not fit' }]);
    await field('Width').waitFor();
    await show([]);
    await expect.poll(() => field('Width').count()).toBe(0);
    await page.getByRole('button', { name: 'Show advanced settings (1)' }).click();
    await field('Width').fill('64');
    expect((await config()).model).toEqual({ heads: 4, width: 64 });
  });

  it('every field that does not fit is flagged at once, and the first of them has the focus instead of a start', async () => {
    await show([
      { field: 'config.betas.1', message: 'Betas: "x" does not fit' },
      { field: 'config.model.heads', message: 'Heads: 0 does not fit' },
      { field: 'name', message: 'give the run a name' },
      { field: 'config.nowhere', message: 'nowhere: there is no such setting' },
    ]);
    await page.getByText('3 fields do not fit.').waitFor();
    await page.getByText('nowhere: there is no such setting').waitFor();
    for (const label of ['Name', 'Betas', 'Heads']) expect(await field(label).getAttribute('aria-invalid')).toBe('true');
    expect(await described('Heads')).toContain('Heads: 0 does not fit');
    await page.getByRole('button', { name: 'Start run' }).click();
    expect(await field('Name').evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await page.evaluate(() => (window as unknown as InPage).seen.started)).toBe(0);
    await show([]);
    await page.getByRole('button', { name: 'Start run' }).click();
    expect(await page.evaluate(() => (window as unknown as InPage).seen.started)).toBe(1);
  });

  it('recipes are chosen by keyboard; each keeps what was typed', async () => {
    await field('Seed').fill('9');
    await field('Every kind').focus();
    await page.keyboard.press('ArrowDown');
    expect(await setup()).toMatchObject({ name: 'Other', recipe: { name: 'other' }, config: { size: 1 } });
    await page.keyboard.press('ArrowUp');
    expect(await setup()).toMatchObject({ name: 'Every kind', config: { seed: 9 } });
    expect(await described('Every kind')).toBe('Has a setting of every kind. | trainer: ada');
    expect(await described('Other')).toBe('Has one setting. | no trainer that is here has it: the run waits for one');
  });

  it('another preset replaces what was typed; the preset’s values come back', async () => {
    await field('Preset').selectOption('Small');
    expect((await config()).model).toEqual({ heads: 1, width: 8 });
    await field('Heads').fill('2');
    expect((await config()).model).toEqual({ heads: 2, width: 8 });
    await page.getByRole('button', { name: 'Reset to the preset' }).click();
    expect((await config()).model).toEqual({ heads: 1, width: 8 });
  });

  it('project, group, tags and trainer are sent; each tag once', async () => {
    await field('Project').fill('vision');
    await field('Group').fill('seeds');
    await field('Tags').fill('paper, clip ,paper,');
    await field('Trainer').selectOption('bob');
    expect(await setup()).toMatchObject({
      project: 'vision',
      group: 'seeds',
      tags: ['paper', 'clip'],
      recipe: { name: 'every-kind', trainer: 'bob' },
    });
  });

  it('several values in a field ask for a run for each of their combinations', async () => {
    const setups = () => page.evaluate(() => (window as unknown as InPage).seen.setups.map((s) => s.config));
    await field('Heads').fill('1, 2');
    await page.getByRole('button', { name: 'several…' }).first().waitFor();
    await field('Seed').fill('5, 6');
    await page.getByRole('button', { name: 'Start 4 runs' }).waitFor();
    expect((await setups()).map((c) => [c.seed, (c.model as Config).heads])).toEqual([
      [5, 1],
      [5, 2],
      [6, 1],
      [6, 2],
    ]);
  });

  it('a checkpoint is picked by its run and step', async () => {
    await page.getByRole('button', { name: 'Choose a checkpoint' }).click();
    await page.getByRole('button', { name: 'Teacher' }).click();
    await field('Start from: which checkpoint').selectOption('step 100');
    expect((await config()).startFrom).toBe('a'.repeat(64));
    await expect.poll(() => field('Start from').inputValue()).toBe('a'.repeat(64));
  });
});
