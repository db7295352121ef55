/** A control that only the trainer knows of: it appears on the page, over tRPC and to agents without another edit anywhere. */

import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { createMcpServer } from '~/server/mcp/tools';
import { build } from '~/server/process/build';
import { type ControlSpec, type ControlValue, controlDefaults } from '~/shared/controls';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

const spec = (name: string, label: string, type: ControlSpec['type'], more: Partial<ControlSpec> = {}): ControlSpec => ({
  ...controlDefaults,
  name,
  label,
  help: `What ${label} is for.`,
  type,
  takesEffect: 'next epoch',
  group: 'Never seen before',
  ...more,
});
/** One of each type, with the value that a person types, what is recorded, one that does not fit and why. */
const declared: { spec: ControlSpec; typed: string; value: ControlValue; wrong: ControlValue; because: string }[] = [
  {
    spec: spec('labelSmoothing', 'Label smoothing', 'number', { min: 0, max: 1, exclusiveMax: true, default: 0 }),
    typed: '0.1',
    value: 0.1,
    wrong: 1,
    because: 'labelSmoothing: 1 does not fit; give a number >= 0 and < 1',
  },
  {
    spec: spec('warmRestarts', 'Warm restarts', 'integer', { min: 1, nullLabel: 'never', unit: 'epochs' }),
    typed: '3',
    value: 3,
    wrong: 1.5,
    because: 'warmRestarts: 1.5 does not fit; give an integer >= 1 or null (never)',
  },
  {
    spec: spec('mixedPrecision', 'Mixed precision', 'boolean', { default: false }),
    typed: 'true',
    value: true,
    wrong: 'yes',
    because: 'mixedPrecision: "yes" does not fit; give true or false',
  },
  {
    spec: spec('activation', 'Activation', 'enum', { options: ['relu', 'gelu'], default: 'relu' }),
    typed: 'gelu',
    value: 'gelu',
    wrong: 'tanh',
    because: 'activation: "tanh" does not fit; give one of relu, gelu',
  },
  {
    spec: spec('remark', 'Remark', 'text', { default: '' }),
    typed: 'try it',
    value: 'try it',
    wrong: 7,
    because: 'remark: 7 does not fit; give text',
  },
];
const action = {
  name: 'shuffle',
  label: 'Shuffle the data',
  help: 'Draws a new order.',
  args: [spec('salt', 'Salt', 'integer', { min: 0, default: 4 })],
  risky: true,
};

describeInBrowser('what a trainer declares', { timeout: 240_000 }, () => {
  let app: TestApp;
  let trainer: TrainerClient;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let runId: string;
  let answering: Promise<void>;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root: fileURLToPath(new URL('../../../', import.meta.url)) } });
    const setup = publishedSetup('reverse');
    ({ runId } = await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, setup));
    trainer = await TrainerClient.connect(app.address);
    trainer.ready();
    await trainer.assigned();
    const values: Record<string, ControlValue> = Object.fromEntries(declared.map(({ spec }) => [spec.name, spec.default]));
    const started = runStarted(0, startValues(setup));
    if (started.type !== 'started') throw new Error('started');
    await trainer.send(
      { ...started, controls: { values: declared.map((d) => d.spec), actions: [action] }, values },
      { type: 'status', status: 'running', step: 0, message: '' },
      steps(0, 3, startValues(setup)),
    );
    answering = (async () => {
      for (;;) {
        const { seq, command } = await trainer.received.next('command');
        const before = command.kind === 'set' ? values[command.control]! : null;
        const after = command.kind === 'set' ? command.value : null;
        if (command.kind === 'set') values[command.control] = command.value;
        const message = command.kind === 'act' ? JSON.stringify(command.args) : '';
        await trainer.send({ type: 'command.applied', commandId: command.id, seq, step: 3, before, after, message });
      }
    })();
    answering.catch(() => {});
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    trainer?.close();
    await app?.close();
  });
  const valuesNow = async () =>
    Object.fromEntries(Object.entries((await app.hub.view(runId))!.values).map(([name, { value }]) => [name, value]));

  it('is on the page with its type, unit, range, default, help and when it takes effect, and is set there', async () => {
    const page: Page = await (await browser.newContext()).newPage();
    await page.goto(`${app.url}/runs/${runId}`);
    for (const { spec, typed, value } of declared) {
      const field = page.getByLabel(spec.label, { exact: true });
      await page.getByRole('button', { name: `About ${spec.label}` }).click();
      const about = page.getByRole('dialog').getByText(`takes effect with the next epoch. What ${spec.label} is for.`);
      await about.waitFor();
      if (spec.unit)
        await expect.poll(() => about.textContent()).toContain('An integer >= 1 or never (empty), in epochs; never at the start');
      // While it is open, the explanation has the name of the field.
      const explanations = async () => {
        await page.keyboard.press('Escape');
        return page.getByRole('dialog').count();
      };
      await expect.poll(explanations).toBe(0);
      if (spec.type === 'boolean' || spec.type === 'enum') await field.selectOption(typed);
      else await field.fill(typed);
      await field.press('Enter');
      if (spec.type === 'boolean' || spec.type === 'enum') await page.getByRole('button', { name: /^Apply: / }).click();
      await expect.poll(async () => (await valuesNow())[spec.name]).toEqual(value);
    }
    await page.getByLabel('Salt').fill('-1');
    await page.getByRole('button', { name: action.label }).click();
    await page.getByText('Salt: "-1" does not fit; give an integer >= 0').waitFor();
    await page.getByLabel('Salt').fill('9');
    await page.getByRole('button', { name: action.label }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: action.label }).click();
    await openTab(page, 'Activity');
    await page.getByTestId('activity').getByText('Shuffle the data (Salt 9)').waitFor();
  });

  it('is checked over tRPC: a value that does not fit names the field and what would fit', async () => {
    const client = connect({ url: app.url });
    for (const [i, { spec, wrong, because }] of declared.entries())
      expect(
        await client.runs.command.mutate({ kind: 'set', id: `wrong-value-${i}`, runId, control: spec.name, value: wrong }),
      ).toEqual({ ok: false, reason: 'invalid', message: because, field: 'value' });
  });

  it('is listed to agents and set by them', async () => {
    const mcp = createMcpServer({ server: { url: app.url }, client: connect({ url: app.url }), pause: (ms) => pause(ms) });
    const [here, there] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: 'test', version: '1' });
    await Promise.all([mcp.connect(there), client.connect(here)]);
    const call = async (name: string, args: Record<string, unknown>) => {
      const { content } = (await client.callTool({ name, arguments: args })) as { content: { text: string }[] };
      return JSON.parse(content[0]!.text);
    };
    const { controls, actions } = await call('get_run', { runId });
    const now = await valuesNow();
    expect(controls).toEqual(declared.map(({ spec }) => ({ ...spec, value: now[spec.name] })));
    expect(actions[0]).toEqual(action);
    expect(await call('request_command', { runId, control: 'activation', value: 'relu' })).toMatchObject({
      status: 'applied',
      before: 'gelu',
      after: 'relu',
    });
    await client.close();
    await mcp.close();
  });
});
