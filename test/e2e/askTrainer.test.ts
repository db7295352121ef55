/** The page asks: other examples to look at, and questions about a checkpoint of a run that has ended. */

import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import type { ActionSpec, ControlSpec } from '~/shared/controls';
import type { TrainerEvent } from '~/shared/events';
import { startApp, type TestApp } from '~/test/support/app';
import { type AttentionRun, attentionSetup, playAttentionRun } from '~/test/support/attentionRun';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { configOf } from '~/test/support/setups';
import { blobOf, controls, refOf, runStarted, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

const root = fileURLToPath(new URL('../../', import.meta.url));
const you = { id: 'local', name: 'You', role: 'admin' } as const;
const sets: AttentionRun = {
  task: 'anomaly',
  layers: 2,
  heads: 2,
  length: 5,
  examples: 3,
  snapshotEverySteps: 20,
  pictures: true,
};
const text = (name: string, label: string): ControlSpec => ({
  ...controls.values[0]!,
  name,
  label,
  type: 'text',
  min: null,
  exclusiveMin: false,
  default: '',
});
const probeExamples: ControlSpec = { ...text('probeExamples', 'Probe examples'), nullLabel: 'first', default: null };
const action = (name: string, label: string, more: Partial<ActionSpec> = {}): ActionSpec => ({
  name,
  label,
  help: '',
  args: [],
  risky: false,
  ...more,
});
const declared = {
  values: [...controls.values, probeExamples],
  actions: [
    ...controls.actions,
    action('ablateHeads', 'Switch heads off', { question: true }),
    action('newQuestion', 'Ask something new', { question: true }),
    action('newAction', 'Do something new'),
    action('cancel', 'Cancel', { role: 'cancel', args: [text('commandId', 'Command')] }),
  ],
};

describeInBrowser('asking the trainer', () => {
  let app: TestApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let run: Awaited<ReturnType<typeof playAttentionRun>>;
  let page: Page;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    run = await playAttentionRun(app.address, (setup) => app.hub.create(you, setup), sets, 40);
    const values = { ...startValues(attentionSetup(sets, '')), probeExamples: null };
    const started = runStarted(40, values) as Extract<TrainerEvent, { type: 'started' }>;
    await run.trainer.send({ ...started, controls: declared });
    browser = await openBrowser();
    page = await browser.browser.newPage({ viewport: { width: 1440, height: 1000 } });
    await page.goto(`${app.url}/runs/${run.runId}?tabs=attention`);
    await page.getByTestId('attention-step').waitFor();
  }, 300_000);
  afterAll(async () => {
    for (const close of closers) close();
    await browser?.close();
    run?.trainer.close();
    await app?.close();
  });

  /** The next command, answered as applied. */
  const apply = async () => {
    const { command, seq } = await run.trainer.received.next('command');
    const after = command.kind === 'set' ? command.value : null;
    await run.trainer.send({ type: 'command.applied', commandId: command.id, seq, step: 40, before: null, after, message: '' });
    return command.kind === 'set' ? [command.control, command.value] : [command.action];
  };

  it('pages through sets: each page is the probe examples of the whole team, and a snapshot shows it', async () => {
    const browse = page.getByRole('region', { name: 'example browser' });
    const shown = async () =>
      `${await browse.getByLabel('which sets').inputValue()} ${await browse.getByLabel('from set').inputValue()} ${await browse.getByTestId('example-page').textContent()}`;
    const { probeSize } = configOf(attentionSetup(sets, ''));
    const names = (split: string, first: number) => [split, ...Array.from({ length: probeSize }, (_, i) => first + i)].join(' ');
    expect(await shown()).toBe(`validation 0 to ${probeSize - 1}`);
    await expect.poll(() => browse.getByRole('button', { name: 'earlier sets' }).isDisabled()).toBe(true);
    await browse.getByRole('button', { name: 'later sets' }).click();
    expect([await apply(), await apply()]).toEqual([['probeExamples', names('validation', probeSize)], ['snapshot']]);
    await expect.poll(shown).toBe(`validation ${probeSize} to ${2 * probeSize - 1}`);
    await browse.getByLabel('which sets').selectOption('test');
    expect([await apply(), await apply()]).toEqual([['probeExamples', names('test', 0)], ['snapshot']]);
    await expect.poll(shown).toBe(`test 0 to ${probeSize - 1}`);
    await browse.getByLabel('from set').fill('4x');
    await browse.getByLabel('from set').press('Enter');
    await expect.poll(() => browse.getByRole('alert').textContent()).toBe('"4x" is no set; give its number, 0 is the first');
    await browse.getByLabel('from set').fill('40');
    await browse.getByLabel('from set').press('Enter');
    expect([await apply(), await apply()]).toEqual([['probeExamples', names('test', 40)], ['snapshot']]);
    await page.reload();
    await browse.waitFor();
    await expect.poll(shown).toBe(`test 40 to ${40 + probeSize - 1}`);
    expect(run.trainer.received.take('command')).toEqual([]);
  });

  it('a declared question stands beside the maps, a declared action in the steering panel, without another edit', async () => {
    const questions = page.getByRole('region', { name: 'questions to the trainer' });
    const steering = page.getByRole('region', { name: 'Steering', exact: true });
    for (const name of ['Switch heads off', 'Ask something new']) {
      await expect.poll(() => questions.getByRole('button', { name }).count()).toBe(1);
      await expect.poll(() => steering.getByRole('button', { name }).count()).toBe(0);
    }
    await expect.poll(() => steering.getByRole('button', { name: 'Do something new' }).count()).toBe(1);
    await expect.poll(() => questions.getByRole('button', { name: 'Do something new' }).count()).toBe(0);
  });

  it('of a run that has ended a checkpoint is asked: queued, how far, called off, answered', async () => {
    const saved = blobOf(new TextEncoder().encode('state'));
    await run.trainer.put(saved);
    await run.trainer.send({
      type: 'checkpoint',
      step: 40,
      blob: refOf(saved),
      trigger: 'end',
      commandId: null,
      lastCommandSeq: 0,
    });
    await run.end();
    const questions = page.getByRole('region', { name: 'questions to the trainer' });
    const about = questions.getByLabel('whose parameters');
    const chosen = () => about.evaluate((s) => (s as HTMLSelectElement).selectedOptions[0]?.text);
    await expect.poll(chosen).toBe('from checkpoint at step 40');
    await questions.getByRole('button', { name: 'Switch heads off' }).click();
    const queued = questions.locator('[data-question=queued]');
    await expect.poll(() => queued.textContent()).toContain('Switch heads off of step 40queued, next');
    await expect.poll(() => queued.textContent()).toContain('no trainer is here that answers questions');
    await questions.getByRole('button', { name: 'Ask something new' }).click();
    await expect.poll(() => queued.count()).toBe(2);

    const helper = await TrainerClient.connect(app.address, { name: 'helper', answers: true });
    closers.push(() => helper.close());
    const { ticket, ...asked } = await helper.received.next('ask');
    expect(asked).toMatchObject({ action: 'ablateHeads', step: 40, blob: refOf(saved) });
    helper.socket.emit('progress', { ticket, done: 3, of: 9 });
    const running = questions.locator('[data-question=running]');
    await expect.poll(() => running.textContent()).toContain('3 of 9 on helper');
    expect(await running.getByRole('progressbar').evaluate((p) => (p as HTMLProgressElement).position)).toBeCloseTo(3 / 9, 5);
    await questions.getByRole('button', { name: 'Cancel Ask something new of step 40' }).click();
    await expect.poll(() => queued.count()).toBe(0);
    helper.answer(ticket, { ok: true, backend: 'cpu', summary: { loss: 1 }, message: 'every head is worth the same' });
    const answer = questions.locator('[data-analysis=ablateHeads]');
    await expect.poll(() => answer.textContent()).toContain('every head is worth the same');
    await expect.poll(() => questions.locator('[data-question]').count()).toBe(0);
    await expect.poll(() => answer.getByRole('button').first().textContent()).toBe('step 40');
  });
});
