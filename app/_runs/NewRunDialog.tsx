'use client';

import { Play } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Field, inputClass, Select } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { Modal } from '~/app/_components/Modal';
import { api, describeError } from '~/app/_trpc/client';
import { defaultConfig, setupOf, type TaskKind } from '~/shared/config';
import { configOf, type Field as FormField, groups, plannedSteps, type Texts, textsOf } from './configForm';

export function NewRunDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  return (
    <Modal open={open} onClose={onClose} title="New run" help="Filled in with the published set-up; change what you like." wide>
      <NewRunForm />
    </Modal>
  );
}

function NewRunForm() {
  const router = useRouter();
  const [texts, setTexts] = useState<Texts>(() => textsOf(defaultConfig('reverse')));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [fromServer, setFromServer] = useState<{ field: string | null; message: string } | null>(null);
  const [sending, setSending] = useState(false);

  const defaults = textsOf(defaultConfig(texts['task.kind'] as TaskKind));
  const parsed = configOf(texts);
  const errors = parsed.ok ? {} : parsed.errors;
  const visible = (field: FormField) => texts[field.path] !== undefined && (field.shown?.(texts) ?? true);
  const errorOf = (path: string): string | null => {
    if (fromServer?.field === path) return fromServer.message;
    return tried || touched.has(path) ? (errors[path] ?? null) : null;
  };
  // An error of a field that is not on the form must not be lost.
  const placed = new Set(groups.flatMap((g) => g.fields.filter(visible).map((f) => f.path)));
  const homeless = [
    ...Object.entries(errors).flatMap(([path, message]) => (placed.has(path) ? [] : [message])),
    ...(fromServer && !(fromServer.field && placed.has(fromServer.field)) ? [fromServer.message] : []),
  ];

  const set = (path: string, text: string) => {
    setFromServer(null);
    if (path === 'task.kind') {
      const { name, seed, backend } = texts;
      const next = textsOf(defaultConfig(text as TaskKind));
      setTexts({ ...next, name: name === defaults.name ? next.name! : name!, seed: seed!, backend: backend! });
      setTouched(new Set());
      return;
    }
    setTexts({ ...texts, [path]: text });
    setTouched(new Set([...touched, path]));
  };

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (!parsed.ok) {
      event.currentTarget.querySelector<HTMLElement>(`[name="${CSS.escape(Object.keys(parsed.errors)[0]!)}"]`)?.focus();
      return;
    }
    setSending(true);
    try {
      const { runId } = await api.runs.create.mutate({ setup: setupOf(parsed.config) });
      router.push(`/runs/${runId}`);
    } catch (error) {
      const { message, field } = describeError(error);
      setFromServer({ message, field: field?.replace(/^setup\.(config\.)?/, '') ?? null });
      setSending(false);
    }
  };

  const steps = parsed.ok ? plannedSteps(parsed.config) : null;
  return (
    <form onSubmit={submit} noValidate className="flex min-h-0 flex-1 flex-col">
      <div className="relative min-h-0 flex-1 space-y-4 overflow-y-auto px-4 py-3">
        {groups.map(({ title, fields }) => (
          <fieldset key={title}>
            <legend className="mb-1.5 text-2xs font-semibold tracking-wider text-dim uppercase">{title}</legend>
            <div className="grid grid-cols-2 gap-x-3 gap-y-2 sm:grid-cols-4">
              {fields.filter(visible).map((field) => (
                <Field
                  key={field.path}
                  label={field.label}
                  unit={field.unit}
                  help={field.help}
                  error={errorOf(field.path)}
                  marked={texts[field.path] !== defaults[field.path] && field.path !== 'name'}
                >
                  {(ids) =>
                    field.kind === 'choice' ? (
                      <Select
                        {...ids}
                        name={field.path}
                        options={field.options!}
                        value={texts[field.path]}
                        onChange={(e) => set(field.path, e.target.value)}
                      />
                    ) : (
                      <input
                        {...ids}
                        name={field.path}
                        className={inputClass}
                        inputMode={field.kind === 'number' ? 'decimal' : undefined}
                        autoComplete="off"
                        spellCheck={false}
                        placeholder={field.whenEmpty}
                        value={texts[field.path]}
                        onChange={(e) => set(field.path, e.target.value)}
                      />
                    )
                  }
                </Field>
              ))}
            </div>
          </fieldset>
        ))}
      </div>
      <footer className="flex flex-wrap items-center justify-end gap-3 border-t border-line px-4 py-2.5">
        <div className="min-w-0 flex-1 text-xs" aria-live="polite">
          {homeless.length > 0 ? (
            <p className="text-bad">{homeless.join(' ')}</p>
          ) : tried && !parsed.ok ? (
            <p className="text-bad">
              {Object.keys(errors).length === 1 ? 'One field needs a look.' : `${Object.keys(errors).length} fields need a look.`}
            </p>
          ) : (
            steps !== null && <p className="text-dim">{count(steps)} steps</p>
          )}
        </div>
        <Button look="bare" onClick={() => setTexts(defaults)}>
          Published values
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          <Play aria-hidden size={13} fill="currentColor" />
          {sending ? 'Starting…' : 'Start run'}
        </Button>
      </footer>
    </form>
  );
}
