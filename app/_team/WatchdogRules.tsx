import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass, Select, TextField } from '~/app/_components/Field';
import { numberTyped } from '~/app/_components/numberTyped';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import { type Reaction, reaction, type Watchdog, type WatchdogRules, watchdogRules } from '~/shared/watchdogs';
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
/** Bytes are shown and typed as GB. */
const unitOf = (field: string): number => (field === 'freeBytesBelow' ? 1e9 : 1);

/** The numeric fields of a rule. */
const numbersOf = (rule: Watchdog): [string, number][] =>
  Object.entries(rule).filter((e): e is [string, number] => typeof e[1] === 'number');

/** What the server checks at every step of every run, and its reactions. `runId` null = all runs without rules of their own. */
export function WatchdogForm({ editable, runId = null }: { editable: boolean; runId?: string | null }) {
  const { data, error } = useQuery(useTrpc().team.watchdogs.queryOptions({ runId }));
  // Fields keep the text as typed, so that "1e" can become "1e-3".
  const [draft, setDraft] = useState<WatchdogRules | null>(null);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    setDraft(data ?? null);
    setTyped({});
    setProblem(null);
  }, [data]);
  const save = useTeamChange((rules: WatchdogRules) => api.team.setWatchdogs.mutate({ runId, rules }), 'Watchdogs saved');

  const change = (i: number, part: Record<string, unknown>) =>
    setDraft((d) => d && { ...d, rules: d.rules.map((r, j) => (j === i ? ({ ...r, ...part } as Watchdog) : r)) });
  const toggle = (i: number, rule: Watchdog, r: Reaction) =>
    change(i, { reactions: rule.reactions.includes(r) ? rule.reactions.filter((x) => x !== r) : [...rule.reactions, r] });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!draft) return;
    const rules = draft.rules.map((rule, i) => {
      const numbers = numbersOf(rule).map(([name, value]) => {
        const text = typed[`${i}.${name}`];
        return [name, text === undefined ? value : (numberTyped(text) ?? Number.NaN) * unitOf(name)] as const;
      });
      return { ...rule, ...Object.fromEntries(numbers) };
    });
    const parsed = watchdogRules.safeParse({ ...draft, rules });
    const issue = parsed.error?.issues[0];
    setProblem(issue ? `${where(draft, issue.path)}: ${issue.message}` : null);
    if (parsed.success) save.mutate(parsed.data);
  };
  return (
    <>
      {error && <p className="px-3 py-4 text-bad">{describeError(error).message}</p>}
      {!draft && !error && <p className="px-3 py-4 text-dim">Loading…</p>}
      {draft && (
        <form onSubmit={submit} noValidate>
          <ul className="divide-y divide-line/70">
            {draft.rules.map((rule, i) => (
              <li key={rule.kind} className="px-3 py-1.5">
                <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                  <label className="flex items-center gap-2 font-medium">
                    <input
                      type="checkbox"
                      disabled={!editable}
                      checked={rule.enabled}
                      onChange={(e) => change(i, { enabled: e.target.checked })}
                    />
                    {names[rule.kind]}
                  </label>
                  <span className="ml-auto flex flex-wrap gap-x-2">
                    {reaction.options.map((r) => (
                      <label key={r} className="flex items-center gap-1 text-2xs text-dim">
                        <input
                          type="checkbox"
                          disabled={!editable || !rule.enabled}
                          checked={rule.reactions.includes(r)}
                          onChange={() => toggle(i, rule, r)}
                        />
                        {r}
                      </label>
                    ))}
                  </span>
                </div>
                {numbersOf(rule).length > 0 && (
                  <div className="mt-1 grid grid-cols-2 gap-2">
                    {numbersOf(rule).map(([name, value]) => (
                      <TextField
                        key={name}
                        label={fields[name] ?? name}
                        inputMode="decimal"
                        disabled={!editable || !rule.enabled}
                        value={typed[`${i}.${name}`] ?? String(value / unitOf(name))}
                        onChange={(text) => setTyped({ ...typed, [`${i}.${name}`]: text })}
                      />
                    ))}
                  </div>
                )}
              </li>
            ))}
          </ul>
          <Webhooks draft={draft} editable={editable} onChange={(webhooks) => setDraft({ ...draft, webhooks })} />
          {problem && (
            <p role="alert" className="px-3 py-1 text-bad">
              {problem}
            </p>
          )}
          {editable && (
            <p className="border-t border-line p-2 text-right">
              <Button type="submit" look="primary" disabled={save.isPending}>
                Save
              </Button>
            </p>
          )}
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
            <Button size="small" look="bare" onClick={() => onChange(webhooks.toSpliced(i, 1))}>
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
