/** Applies the rules to every open run, and does the reactions of each rule that fires. */

import { statfs } from 'node:fs/promises';
import { nanoid } from 'nanoid';
import type { AuditLog } from '~/server/audit/auditLog';
import type { Clock } from '~/server/base/clock';
import type { Hub } from '~/server/runs/hub';
import type { WhyNot } from '~/server/runs/room';
import type { Store } from '~/server/store';
import type { CommandAnswer } from '~/shared/commands';
import type { ActionRole } from '~/shared/controls';
import { actionWithRole } from '~/shared/controlValues';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { rulesFor } from '~/shared/team';
import { ended, type RunView } from '~/shared/view';
import type { Reaction, Watchdog, WatchdogRules, Webhook } from '~/shared/watchdogs';
import { type Firing, Watch } from './watch';
import { type Delivery, deliver } from './webhooks';

export const watchdogActor: Actor = { id: 'watchdog', name: 'Watchdog', role: 'system' };

export interface WatchdogDeps {
  hub: Pick<Hub, 'branch' | 'command' | 'decide'> & {
    store: Pick<Store, 'near'>;
    onEntries(listener: (runId: string, entries: Entry[], view: RunView) => void): () => void;
  };
  auditLog: AuditLog;
  clock: Clock;
  dataFolder: string;
  /** Address of the dashboard, with its base path, for links. */
  url: string;
  delivery: Delivery;
  onError(error: unknown): void;
}

interface Watched {
  watch: Watch;
  rules: WatchdogRules;
  view: RunView;
  /** How often the run went back, or another trainer took it: what fired before that says nothing of the steps after it. */
  begun: number;
}

const tickMs = 1_000;
/** Reactions that the run's own actions with these roles do. */
const acts = ['pause', 'snapshot', 'checkpoint'] as const satisfies readonly (Reaction & ActionRole)[];

/** @returns stop */
export function startWatchdogs(deps: WatchdogDeps): () => void {
  const { hub, auditLog, clock, onError } = deps;
  const watched = new Map<string, Watched>();
  let cancelTick = () => {};

  /** Null until the rule set of the run is loaded; new rules start without history. */
  function of(runId: string, view: RunView): Watched {
    const rules = rulesFor(auditLog.team, runId);
    const known = watched.get(runId);
    if (known && known.rules === rules) {
      known.view = view;
      return known;
    }
    const fresh = Object.assign(known ?? { begun: 0 }, { watch: new Watch(rules.rules), rules, view });
    watched.set(runId, fresh);
    return fresh;
  }

  const stopEntries = hub.onEntries((runId, entries, view) => {
    if (ended(view.status)) {
      watched.delete(runId);
      return;
    }
    const w = of(runId, view);
    for (const entry of entries) {
      if (entry.event.type === 'run.assigned' || entry.event.type === 'rewind') w.begun++;
      for (const firing of w.watch.entry(view, entry)) void react(w, firing).catch(onError);
    }
  });

  async function tick(): Promise<void> {
    cancelTick = clock.after(tickMs, () => void tick().catch(onError));
    if (watched.size === 0) return;
    const disk = await statfs(deps.dataFolder).catch(() => null);
    const free = disk && disk.bavail * disk.bsize;
    for (const [runId, { view }] of watched) {
      // Changed rules hold for a run without news too: one that is stalled.
      const w = of(runId, view);
      for (const firing of w.watch.tick(w.view, clock.elapsed(), free)) void react(w, firing).catch(onError);
    }
  }
  void tick().catch(onError);

  async function react(w: Watched, firing: Firing): Promise<void> {
    const { rules, view, begun } = w;
    // A reaction may wait for its turn behind a revert, which takes back what it is about.
    const whyNot: WhyNot = ({ pendingRevert }) =>
      firing.kind === 'disk' || (pendingRevert === null && w.begun === begun)
        ? null
        : 'the run went back before this could take effect';
    const rule = rules.rules.find((r) => r.kind === firing.kind)!;
    const { runId } = view;
    // Pause first: each further step is one too many.
    const roles = acts.filter((role) => rule.reactions.includes(role));
    const given = await Promise.all(roles.map((role) => act(view, role, whyNot)));
    const did = given.map((answer, i) => `${roles[i]} ${answer.ok ? 'asked for' : `not possible: ${answer.message}`}`);
    if (whyNot(w.view) !== null) return;
    if (rule.reactions.includes('branch')) did.push(await branch(view, firing));
    const message = [firing.message, ...did].join('; ').slice(0, 2000);
    const level = firing.kind === 'not-finite' || firing.kind === 'collapse' ? 'error' : 'warning';
    const quiet = rule.reactions.includes('notify') ? {} : { notify: false };
    let told = false;
    await hub.decide(runId, (now) => {
      told = whyNot(now) === null;
      const alert = {
        type: 'alert',
        step: Math.min(firing.step, now.step),
        level,
        kind: firing.kind,
        message,
        ...quiet,
      } as const;
      return told ? [alert] : [];
    });
    if (told && rule.reactions.includes('webhook')) await post(rules, rule, firing, view);
  }

  async function act({ runId, controls }: RunView, role: ActionRole, whyNot: WhyNot): Promise<CommandAnswer> {
    const action = actionWithRole(controls, role)?.name;
    if (action === undefined) return refuse('state', 'this program has declared no such action');
    return hub
      .command(watchdogActor, { kind: 'act', id: nanoid(), runId, action, args: {} }, whyNot)
      .catch(() => refuse('failed', 'the server could not do it'));
  }

  /**
   * Makes a branch from the last checkpoint before the firing, in which people can try something else. @returns the result, as
   * text
   */
  async function branch({ runId, setup, createdBy }: RunView, { kind, step }: Firing): Promise<string> {
    // The branch would fire again at the same step, and branch again.
    if (createdBy.id === watchdogActor.id) return 'branch not made: this run is a branch of the watchdog already';
    const near = await hub.store.near({ runId, kind: 'checkpoints', step, limit: 1 });
    const checkpoint = near.before[0]?.blob.hash ?? null;
    const name = `${setup.name.slice(0, 40)}, before ${kind} at ${step}`;
    const made = await hub
      .branch(watchdogActor, { runId, checkpoint, name, changes: [], repeat: null })
      .catch(() => refuse('failed', 'the server could not do it'));
    if (!made.ok) return `branch not possible: ${made.message}`;
    return made.runId === null ? 'branch asked for' : `branched as run ${made.runId}`;
  }

  async function post({ webhooks }: WatchdogRules, rule: Watchdog, firing: Firing, view: RunView): Promise<void> {
    const { runId } = view;
    const link = `${deps.url}/runs/${runId}?step=${firing.step}`;
    const notice = { run: view.setup.name, runId, kind: rule.kind, step: firing.step, message: firing.message, link };
    const tell = async (hook: Webhook, i: number) => {
      const delivered = await deliver(hook, notice, deps.delivery);
      if (delivered.ok) return;
      const message = `webhook ${i + 1} (${new URL(hook.url).host}) was not told of "${rule.kind}": ${delivered.message}`;
      await hub.decide(runId, ({ step }) => [{ type: 'alert', step, level: 'warning', kind: 'webhook', message }]);
    };
    // One that does not answer, which takes minutes, delays no other.
    await Promise.all(webhooks.map(tell));
  }

  return () => {
    stopEntries();
    cancelTick();
  };
}
