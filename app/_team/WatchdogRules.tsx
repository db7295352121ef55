import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass, Select, TextField } from '~/app/_components/Field';
import { numberTyped } from '~/app/_components/numberTyped';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import {
  firstStepTakes,
  gradientsNotFinite,
  reaction,
  slowStepTakes,
  type Watchdog,
  type WatchdogRules,
  type Webhook,
  watchdogRules,
} from '~/shared/watchdogs';
import { afterConflict, type Values } from './editConflict';
import { useTeamChange } from './useTeam';

const names: Record<Watchdog['kind'], string> = {
  'not-finite': 'NaN or infinity',
  'loss-spike': 'Loss spike',
  'gradient-spike': 'Gradient spike',
  plateau: 'Plateau',
  collapse: 'Attention collapse',
  stalled: 'Stalled trainer',
  disk: 'Disk nearly full',
};
const fields: Record<string, string> = {
  sigmas: 'standard deviations',
  window: 'steps looked at',
  factor: 'times the median',
  steps: 'for steps',
  improvement: 'improvement (share)',
  entropyBelow: 'entropy below',
  lossAbove: 'loss above (times chance)',
  seconds: 'for seconds',
  freeBytesBelow: 'free space below (GB)',
};
/** What the numbers of a rule do not say. */
const remarks: Partial<Record<Watchdog['kind'], string>> = {
  'not-finite': `of a loss, or of ${gradientsNotFinite} gradient norms in a row`,
  stalled: `no step; before the first one for ${firstStepTakes} times as long, later for ${slowStepTakes} times as long as steps usually take, if that is more`,
};
/** Bytes are shown and typed as GB. */
const unitOf = (field: string): number => (field === 'freeBytesBelow' ? 1e9 : 1);

/** The numeric fields of a rule. */
const numbersOf = (rule: Watchdog): [string, number][] =>
  Object.entries(rule).filter((e): e is [string, number] => typeof e[1] === 'number');

/** What a person has changed in rules: switches and typed texts by rule and name, and the webhooks. */
interface Edits {
  /** The rules that were changed, as they were read. */
  from: WatchdogRules;
  switches: Record<string, boolean>;
  // Fields keep the text as typed, so that "1e" can become "1e-3".
  typed: Record<string, string>;
  webhooks: WatchdogRules['webhooks'];
}

const keyOf = (rule: Watchdog, name: string) => `${names[rule.kind]}, ${fields[name] ?? name}`;

/** The rules with what was switched; typed texts are read when they are saved. */
const edited = ({ from, switches, webhooks }: Edits): WatchdogRules => ({
  rules: from.rules.map((rule) => ({
    ...rule,
    enabled: switches[keyOf(rule, 'enabled')] ?? rule.enabled,
    reactions: reaction.options.filter((r) => switches[keyOf(rule, r)] ?? rule.reactions.includes(r)),
  })),
  webhooks,
});

/** Every value of the rules in words, by its name. */
const valuesOf = ({ rules, webhooks }: WatchdogRules): Values =>
  new Map([
    ...rules.flatMap((rule) => [
      [keyOf(rule, 'enabled'), rule.enabled ? 'yes' : 'no'] as const,
      ...reaction.options.map((r) => [keyOf(rule, r), rule.reactions.includes(r) ? 'yes' : 'no'] as const),
      ...numbersOf(rule).map(([name, value]) => [keyOf(rule, name), String(value / unitOf(name))] as const),
    ]),
    ...webhooks.map((hook) => [`webhook ${hook.url}`, hook.format] as const),
  ]);

/** The rules of now with the changes made to older ones. */
function carried(edits: Edits, now: WatchdogRules): Edits {
  const among = ({ webhooks }: WatchdogRules, { url, secretId }: Webhook) =>
    webhooks.some((h) => h.url === url && h.secretId === secretId);
  const kept = edits.webhooks.filter((h) => among(now, h) || !among(edits.from, h));
  const added = now.webhooks.filter((h) => !among(edits.from, h));
  return { ...edits, from: now, webhooks: [...kept, ...added] };
}

/** What the server checks at every step of every run, and its reactions. `runId` null = all runs without rules of their own. */
export function WatchdogForm({ editable, runId = null }: { editable: boolean; runId?: string | null }) {
  const { data, error } = useQuery(useTrpc().team.watchdogs.queryOptions({ runId }));
  const [edits, setEdits] = useState<Edits | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const current = edits ?? (data && { from: data, switches: {}, typed: {}, webhooks: data.webhooks });
  const draft = current && edited(current);
  // While it is being saved the form takes no change: it would go with the edits that were saved.
  const edit = (part: Partial<Edits>) => current && !save.isPending && setEdits({ ...current, ...part });
  const save = useTeamChange(async ({ rules, expected }: { rules: WatchdogRules; expected: WatchdogRules }) => {
    try {
      await api.team.setWatchdogs.mutate({ runId, rules, expected });
    } catch (refused) {
      const now = await afterConflict(refused, expected, () => api.team.watchdogs.query({ runId }), valuesOf, setProblem);
      if (now) setEdits((e) => e && carried(e, now));
      throw refused;
    }
  }, 'Watchdogs saved');

  const flip = (key: string, on: boolean) => current && edit({ switches: { ...current.switches, [key]: on } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!current || !draft) return;
    const rules = draft.rules.map((rule) => {
      const numbers = numbersOf(rule).map(([name, value]) => {
        const text = current.typed[keyOf(rule, name)];
        return [name, text === undefined ? value : (numberTyped(text) ?? Number.NaN) * unitOf(name)] as const;
      });
      return { ...rule, ...Object.fromEntries(numbers) };
    });
    const parsed = watchdogRules.safeParse({ ...draft, rules });
    const issue = parsed.error?.issues[0];
    setProblem(issue ? `${where(draft, issue.path)}: ${issue.message}` : null);
    if (parsed.success) save.mutate({ rules: parsed.data, expected: current.from }, { onSuccess: () => setEdits(null) });
  };
  return (
    <>
      {error && <p className="px-3 py-4 text-bad">{describeError(error).message}</p>}
      {!current && !error && <p className="px-3 py-4 text-dim">Loading…</p>}
      {current && draft && (
        <form onSubmit={submit} noValidate>
          <div className="divide-y divide-line/70">
            {draft.rules.map((rule) => (
              <fieldset key={rule.kind} aria-label={names[rule.kind]} className="px-3 py-1.5">
                <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                  <label className="flex min-h-6 items-center gap-2 font-medium">
                    <input
                      type="checkbox"
                      disabled={!editable}
                      checked={rule.enabled}
                      onChange={(e) => flip(keyOf(rule, 'enabled'), e.target.checked)}
                    />
                    {names[rule.kind]}
                  </label>
                  <span className="ml-auto flex flex-wrap gap-x-2">
                    {reaction.options.map((r) => (
                      <label key={r} className="flex min-h-6 items-center gap-1 text-2xs text-dim">
                        <input
                          type="checkbox"
                          disabled={!editable || !rule.enabled}
                          checked={rule.reactions.includes(r)}
                          onChange={(e) => flip(keyOf(rule, r), e.target.checked)}
                        />
                        {r}
                      </label>
                    ))}
                  </span>
                </div>
                {remarks[rule.kind] && <p className="text-2xs text-dim">{remarks[rule.kind]}</p>}
                {numbersOf(rule).length > 0 && (
                  <div className="mt-1 grid grid-cols-2 gap-2">
                    {numbersOf(rule).map(([name, value]) => (
                      <TextField
                        key={name}
                        label={fields[name] ?? name}
                        disabled={!editable || !rule.enabled}
                        value={current.typed[keyOf(rule, name)] ?? String(value / unitOf(name))}
                        onChange={(text) => edit({ typed: { ...current.typed, [keyOf(rule, name)]: text } })}
                      />
                    ))}
                  </div>
                )}
              </fieldset>
            ))}
          </div>
          <Webhooks draft={draft} editable={editable} onChange={(webhooks) => edit({ webhooks })} />
          {problem && (
            <p role="alert" className="px-3 py-1 text-bad">
              {problem}
            </p>
          )}
          <p className="border-t border-line p-2 text-right">
            {editable ? (
              <Button type="submit" look="primary" of="watchdogs" disabled={save.isPending}>
                Save
              </Button>
            ) : (
              <span className="text-2xs text-dim">An operator or an admin changes the rules.</span>
            )}
          </p>
        </form>
      )}
    </>
  );
}

const where = (draft: WatchdogRules, [list, i, ...rest]: PropertyKey[]): string =>
  list === 'rules' && typeof i === 'number'
    ? `${names[draft.rules[i]!.kind]}, ${rest.map((r) => fields[String(r)] ?? String(r)).join('.')}`
    : [list, i, ...rest].map(String).join('.');

function Webhooks(props: { draft: WatchdogRules; editable: boolean; onChange(webhooks: WatchdogRules['webhooks']): void }) {
  const { draft, editable, onChange } = props;
  const { webhooks } = draft;
  return (
    <fieldset className="border-t border-line px-3 py-2" disabled={!editable}>
      <legend className="float-left mr-2 text-xs text-dim">Webhooks</legend>
      <div className="clear-left flex flex-col gap-1">
        {webhooks.map((hook, i) => (
          <div key={i} className="flex gap-1">
            <input
              aria-label={`Address of webhook ${i + 1}`}
              className={inputClass}
              placeholder="https://…"
              value={hook.url}
              onChange={(e) => onChange(webhooks.with(i, { ...hook, url: e.target.value }))}
            />
            <Select
              aria-label={`Format of webhook ${i + 1}`}
              className="w-auto! font-sans"
              options={['json', 'slack', 'discord']}
              value={hook.format}
              onPick={(format) => onChange(webhooks.with(i, { ...hook, format }))}
            />
            <Button size="small" look="bare" of={`webhook ${i + 1}`} onClick={() => onChange(webhooks.toSpliced(i, 1))}>
              Remove
            </Button>
          </div>
        ))}
        {editable && webhooks.length < 10 && (
          <Button size="small" className="self-start" onClick={() => onChange([...webhooks, { url: '', format: 'json' }])}>
            Add a webhook
          </Button>
        )}
      </div>
    </fieldset>
  );
}
