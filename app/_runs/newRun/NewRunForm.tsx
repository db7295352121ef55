import { Play } from 'lucide-react';
import { type FormEvent, useId, useRef } from 'react';
import { Button } from '~/app/_components/Button';
import { ChoiceField, TextField } from '~/app/_components/Field';
import { bytes, count, duration } from '~/app/_components/format';
import { Explain } from '~/app/_components/Glossary';
import { terms } from '~/app/_components/terms';
import type { RecipeField } from '~/shared/recipeFields';
import { memoryOf } from '~/shared/recipeMemory';
import type { KnownRecipe } from '~/shared/recipes';
import type { Estimate } from '~/shared/runTable';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import type { Checkpoints } from './CheckpointPicker';
import type { Asked, Draft, Filled } from './draft';
import { filledIn, typed, withPreset } from './draft';
import { isShown } from './formTexts';
import { type Problem, placed } from './problems';
import { RecipeCards } from './RecipeCards';
import { SettingField } from './SettingField';
import { mostRuns } from './several';

const legendClass = 'mb-1.5 text-2xs font-semibold tracking-wider text-dim uppercase';
const gridClass = 'grid grid-cols-1 gap-x-3 gap-y-2 min-[28rem]:grid-cols-2 sm:grid-cols-3';

/** The form of a new run, drawn from the trainer's declaration of the recipe. The server validates the input (`problems`). */
export function NewRunForm(props: {
  /** At least one. */
  recipes: readonly KnownRecipe[];
  draft: Draft;
  problems: readonly Problem[];
  /** The problems belong to the present values, not to those before the last key press. */
  settled: boolean;
  /** Number of runs started since the button was pressed; null: not pressed. */
  started: number | null;
  /** Number of runs that an earlier start of the same sweep has started. */
  before: number;
  /** The runs that the button would start. */
  asked: Asked;
  estimate: Estimate | null;
  /** What the memory that the run takes is compared with. */
  trainers: readonly TrainerSummary[];
  checkpoints: Checkpoints;
  /** Names of existing projects. */
  projects: readonly string[];
  onChange(draft: Draft): void;
  onStart(): void;
}) {
  const {
    recipes,
    draft,
    problems,
    settled,
    started,
    before,
    asked,
    estimate,
    trainers,
    checkpoints,
    projects,
    onChange,
    onStart,
  } = props;
  const form = useRef<HTMLFormElement>(null);
  const filled = filledIn(draft, recipes)!;
  const shown = filled.fields.filter((f) => isShown(f, filled.fields, filled.texts));
  const own = ['name', 'project', 'group', 'tags', ...(choosesTrainer(draft, filled) ? ['recipe'] : [])];
  const { at, elsewhere } = placed(problems, shown, own);
  const isWrong = (f: RecipeField) => at.has(`config.${f.path}`);
  // Groups with errors or changed values are unfolded.
  const open = (f: RecipeField) =>
    draft.advanced || !f.advanced || isWrong(f) || filled.texts.get(f.path) !== filled.published.get(f.path);
  const folded = shown.filter((f) => !open(f)).length;
  const hasAdvanced = shown.some((f) => f.advanced);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (settled && at.size > 0) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
    else onStart();
  };

  return (
    <form ref={form} onSubmit={submit} noValidate className="flex min-h-0 flex-1 flex-col">
      <div className="min-h-0 flex-1 space-y-4 overflow-y-auto px-4 py-3">
        <RecipeCards
          recipes={recipes}
          chosen={filled.recipe.name}
          onChoose={(recipe) => onChange({ ...draft, recipe, trainer: '' })}
        />
        <RunFields draft={draft} filled={filled} at={at} projects={projects} onChange={onChange} />
        <p className="text-xs text-dim">
          Several values in a field, such as <span className="font-mono">0.001, 0.0003</span>, make a sweep{' '}
          <Explain term="sweep" className="-my-1" />
        </p>
        {groupsOf(shown.filter(open)).map(({ title, fields }) => (
          <fieldset key={title}>
            <legend className={legendClass}>{title}</legend>
            <div className={gridClass}>
              {fields.map((field) => (
                <SettingField
                  key={`${field.path} ${JSON.stringify(field.within)}`}
                  field={field}
                  schema={filled.recipe.schema}
                  text={filled.texts.get(field.path) ?? ''}
                  published={filled.published.get(field.path) ?? ''}
                  error={at.get(`config.${field.path}`) ?? null}
                  checkpoints={checkpoints}
                  onType={(text) => onChange(typed(draft, filled, field.path, text))}
                />
              ))}
            </div>
          </fieldset>
        ))}
        {hasAdvanced && (
          <Button size="small" aria-expanded={draft.advanced} onClick={() => onChange({ ...draft, advanced: !draft.advanced })}>
            {draft.advanced ? 'Hide advanced settings' : `Show advanced settings (${folded})`}
          </Button>
        )}
      </div>
      <footer className="flex flex-wrap items-center justify-end gap-3 border-t border-line px-4 py-2.5">
        <div className="min-w-0 flex-1 basis-56 text-xs" aria-live="polite">
          {elsewhere.map((message) => (
            <p key={message} className="break-words text-bad">
              {message}
            </p>
          ))}
          {at.size > 0 && (
            <p className="text-bad">{at.size === 1 ? 'One field does not fit.' : `${at.size} fields do not fit.`}</p>
          )}
          {asked.of > mostRuns && (
            <p className="text-bad">
              The values make {count(asked.of)} combinations; {mostRuns} runs are the most. Give fewer values.
            </p>
          )}
          {asked.group !== null && asked.of <= mostRuns && (
            <p>
              A sweep of {count(asked.of)} runs, one for each combination, in the group “{asked.group}”.
            </p>
          )}
          {estimate && <p className="text-dim">{estimateWords(estimate, asked.of)}</p>}
          <Memory asked={asked} filled={filled} trainers={trainers} />
        </div>
        <label className="flex items-center gap-1.5 text-xs">
          <input
            type="checkbox"
            className="size-3.5"
            checked={draft.paused}
            onChange={(e) => onChange({ ...draft, paused: e.target.checked })}
          />
          Start paused
        </label>
        <Button look="bare" onClick={() => onChange(withPreset(draft, filled.recipe.name, filled.preset))}>
          Reset to the preset
        </Button>
        <Button look="primary" type="submit" disabled={started !== null || asked.of > mostRuns}>
          <Play aria-hidden size={13} fill="currentColor" />
          {started !== null
            ? asked.of > 1
              ? `Starting ${count(started)} of ${count(asked.of)}…`
              : 'Starting…'
            : before > 0
              ? `Start the other ${count(asked.of - before)}`
              : asked.of > 1
                ? `Start ${count(asked.of)} runs`
                : 'Start run'}
        </Button>
      </footer>
    </form>
  );
}

/** The estimated duration, and the run it is based on; of a run with other settings only what it took. */
function estimateWords({ ms, name, backend, differs }: Estimate, runs: number): string {
  const inWords = (n: number) => (n < 1000 ? 'less than a second' : duration(n));
  const took = `${name} took ${inWords(ms)}${backend === null ? '' : ` on ${backend}`}`;
  if (differs.length > 0) return `${took}; it differs in ${differs.join(', ')}.`;
  return `About ${inWords(ms * runs)}${runs > 1 ? ' one after the other' : ''}: ${took}.`;
}

/** About how much memory the largest of the runs takes, and whether some trainer's machine has it. */
function Memory({ asked, filled, trainers }: { asked: Asked; filled: Filled; trainers: readonly TrainerSummary[] }) {
  const { recipe } = filled;
  const needs = Math.max(0, ...asked.setups.map(({ config }) => memoryOf(recipe.schema, config) ?? 0));
  if (needs === 0) return null;
  const able = new Set(recipe.trainers.filter((t) => t.connected).map((t) => t.name));
  const wanted = asked.setups[0]?.recipe?.trainer ?? null;
  const there = trainers.filter((t) => t.connected && able.has(t.name) && (wanted === null || t.name === wanted));
  const most = Math.max(...there.map((t) => t.memoryBytes));
  const takes = `${asked.of > 1 ? 'The largest takes' : 'It takes'} about ${bytes(needs)} of memory`;
  return there.length > 0 && needs > most ? (
    <p className="text-warn">
      {takes}, and the {there.length > 1 ? 'largest trainer' : 'trainer'} has {bytes(most)}. Compute a batch in more parts, or
      make the model smaller.
    </p>
  ) : (
    <p className="text-dim">{takes}.</p>
  );
}

/** With a single trainer there is no choice. */
const choosesTrainer = (draft: Draft, { recipe }: Filled): boolean => recipe.trainers.length > 1 || draft.trainer !== '';

/** Fields that every run has, whatever its recipe. */
function RunFields(props: {
  draft: Draft;
  filled: Filled;
  at: ReadonlyMap<string, string>;
  projects: readonly string[];
  onChange(draft: Draft): void;
}) {
  const { draft, filled, at, projects, onChange } = props;
  const listId = useId();
  const { recipe, preset } = filled;
  const text = (
    label: string,
    key: 'project' | 'group' | 'tags',
    more: { about?: string[]; placeholder?: string; list?: string } = {},
  ) => (
    <TextField
      label={label}
      error={at.get(key)}
      name={key}
      autoComplete="off"
      value={draft[key]}
      onChange={(typed) => onChange({ ...draft, [key]: typed })}
      {...more}
    />
  );
  return (
    <fieldset>
      <legend className={legendClass}>Run</legend>
      <div className={gridClass}>
        <TextField
          label="Name"
          error={at.get('name')}
          name="name"
          autoComplete="off"
          value={draft.name ?? recipe.title}
          onChange={(name) => onChange({ ...draft, name })}
        />
        {text('Project', 'project', { placeholder: 'default', list: listId })}
        {text('Group', 'group', {
          placeholder: 'none',
          about: [terms.group[1]],
        })}
        {text('Tags', 'tags', { placeholder: 'separated by commas' })}
        {recipe.presets.length > 1 && (
          <ChoiceField
            label="Preset"
            about={['The values that the settings below begin with.']}
            options={recipe.presets.map((p) => ({ value: p.name, text: p.title }))}
            value={preset}
            onPick={(next) => onChange(withPreset(draft, recipe.name, next))}
          />
        )}
        {choosesTrainer(draft, filled) && (
          <ChoiceField
            label="Trainer"
            error={at.get('recipe')}
            name="recipe"
            options={[
              { value: '', text: 'any' },
              ...recipe.trainers.map((t) => ({ value: t.name, text: `${t.name}${t.connected ? '' : ' (not here)'}` })),
            ]}
            value={draft.trainer}
            onPick={(trainer) => onChange({ ...draft, trainer })}
          />
        )}
      </div>
      <datalist id={listId}>
        {projects.map((p) => (
          <option key={p} value={p} />
        ))}
      </datalist>
    </fieldset>
  );
}

/** Fields by heading; headings in order of first appearance. */
function groupsOf(fields: readonly RecipeField[]): { title: string; fields: RecipeField[] }[] {
  const groups = new Map<string, RecipeField[]>();
  for (const field of fields) groups.set(field.group, [...(groups.get(field.group) ?? []), field]);
  return [...groups].map(([title, of]) => ({ title, fields: of }));
}
