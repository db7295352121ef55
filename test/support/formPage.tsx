/** In the browser, for newRunForm.test.ts: the new-run form with two synthetic recipes. The test reads what the form would send, and sets its errors. */
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { type Draft, emptyDraft, filledIn, setupsOf } from '~/app/_runs/newRun/draft';
import { NewRunForm } from '~/app/_runs/newRun/NewRunForm';
import type { Problem } from '~/app/_runs/newRun/problems';
import type { KnownRecipe } from '~/shared/recipes';
import { everyKind, everyKindConfig } from './everyKind';

const recipes: KnownRecipe[] = [
  {
    name: 'every-kind',
    title: 'Every kind',
    summary: 'Has a setting of every kind.',
    picture: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>',
    schema: everyKind,
    presets: [
      { name: 'first', title: 'First', config: everyKindConfig },
      { name: 'small', title: 'Small', config: { ...everyKindConfig, model: { heads: 1, width: 8 } } },
    ],
    trainers: [
      { name: 'ada', connected: true },
      { name: 'bob', connected: false },
    ],
  },
  {
    name: 'other',
    title: 'Other',
    summary: 'Has one setting.',
    schema: { type: 'object', properties: { size: { type: 'integer', title: 'Size' } }, required: ['size'] },
    presets: [{ name: 'first', title: 'First', config: { size: 1 } }],
    trainers: [{ name: 'bob', connected: false }],
  },
];

const seen: { setup: unknown; setups: unknown[]; started: number; show(problems: Problem[]): void } = {
  setup: null,
  setups: [],
  started: 0,
  show: () => {},
};

function Page() {
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [problems, setProblems] = useState<Problem[]>([]);
  const asked = setupsOf(draft, filledIn(draft, recipes)!);
  seen.setup = asked.setups[0];
  seen.setups = asked.setups;
  seen.show = setProblems;
  return (
    <NewRunForm
      recipes={recipes}
      draft={draft}
      problems={problems}
      settled
      started={null}
      before={0}
      asked={asked}
      estimate={null}
      trainers={[]}
      checkpoints={{
        runs: (onPick) => (
          <button type="button" onClick={() => onPick({ runId: 'aaaa', name: 'Teacher' })}>
            Teacher
          </button>
        ),
        of: async () => [
          { step: 200, hash: 'b'.repeat(64) },
          { step: 100, hash: 'a'.repeat(64) },
        ],
      }}
      projects={['default', 'vision']}
      onChange={setDraft}
      onStart={() => {
        seen.started++;
      }}
    />
  );
}

createRoot(document.querySelector('main')!).render(<Page />);
Object.assign(window, { seen });
