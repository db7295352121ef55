import { type FormEvent, useState } from 'react';
import { FormEnd, TextField } from '~/app/_components/Field';
import { Remark } from '~/app/_components/Remark';
import type { RunSummary } from '~/shared/summary';
import { mostTags } from '~/shared/tags';
import { type TagChange, tagsOf } from './tags';

/** Adds tags to several runs, or removes tags from them. */
export function TagForm(props: {
  runs: readonly RunSummary[];
  /** @param done the change in words. @returns whether runs were changed; if not, the form stays */
  onTags(change: TagChange, done: string): Promise<boolean>;
  /** Why tags cannot be changed any more; null = they can. */
  why?: string | null;
  onClose(): void;
}) {
  const { runs, onTags, why = null, onClose } = props;
  const [text, setText] = useState('');
  const [gone, setGone] = useState<readonly string[]>([]);
  const [state, setState] = useState<'open' | 'busy' | 'failed'>('open');
  const read = tagsOf(text);
  const present = [...new Set(runs.flatMap((r) => r.tags))].sort();
  const full = read.ok
    ? runs.find((r) => new Set([...r.tags.filter((t) => !gone.includes(t)), ...read.tags]).size > mostTags)
    : undefined;
  const problem = read.ok ? (full ? `Tags: ${full.name} would have more than ${mostTags}` : null) : read.message;
  const nothing = text.trim() === '' && gone.length === 0;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!read.ok || problem || nothing || state === 'busy') return;
    const done = [
      ...(read.tags.length > 0 ? [`tagged ${read.tags.join(', ')}`] : []),
      ...(gone.length > 0 ? [`without ${gone.join(', ')}`] : []),
    ];
    setState('busy');
    const changed = await onTags({ add: read.tags, remove: [...gone] }, done.join('; '));
    setState(changed ? 'open' : 'failed');
    if (changed) onClose();
  };
  return (
    <form onSubmit={submit} noValidate className="space-y-3 p-4">
      <TextField
        label="Add tags"
        help="separated by commas"
        error={problem}
        data-first
        className="font-sans"
        value={text}
        onChange={setText}
      />
      {present.length > 0 && (
        <fieldset>
          <legend className="text-xs text-dim">Take away</legend>
          <div className="flex flex-wrap gap-x-3">
            {present.map((tag) => (
              <label key={tag} className="flex min-h-6 items-center gap-1">
                <input
                  type="checkbox"
                  className="size-4"
                  checked={gone.includes(tag)}
                  onChange={() => setGone(gone.includes(tag) ? gone.filter((t) => t !== tag) : [...gone, tag])}
                />
                {tag}
              </label>
            ))}
          </div>
        </fieldset>
      )}
      {state === 'failed' && <Remark tone="bad">Not changed. What you typed stays here.</Remark>}
      <FormEnd yes="Change tags" why={why} disabled={nothing || state === 'busy'} onCancel={onClose} />
    </form>
  );
}
