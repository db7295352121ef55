import { Settings2 } from 'lucide-react';
import { Popup } from '~/app/_components/Popup';
import { useRecipes } from '~/app/_live/recipes';
import { useView } from '~/app/_live/useRun';
import { settingsOf } from '~/shared/settings';

/** What the run was started with; what differs from the first preset of its recipe stands out. */
export function Setup() {
  return (
    <span className="hidden text-xs text-dim sm:inline">
      <Popup
        title="Started with"
        trigger={
          <>
            <Settings2 aria-hidden size={13} />
            set-up
          </>
        }
      >
        <SetupList />
      </Popup>
    </span>
  );
}

export function SetupList() {
  const setup = useView((v) => v.setup, null);
  const recipes = useRecipes([setup?.recipe?.name ?? null]);
  if (!setup) return null;
  const { recipe, project, group, jobType, config } = setup;
  const known = recipe ? recipes.get(recipe.name) : undefined;
  const settings = settingsOf(config, known?.schema ?? null);
  const published = new Map(settingsOf(known?.presets[0]?.config ?? {}, known?.schema ?? null).map((s) => [s.path, s.text]));
  const about: [string, string | undefined][] = [
    ['Recipe', recipe ? (known?.title ?? recipe.name) : undefined],
    ['Trainer asked for', recipe?.trainer ?? undefined],
    ['Project', project],
    ['Group', group],
    ['Job type', jobType],
  ];
  return (
    <>
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-xs">
        {about.map(([label, text]) => text !== undefined && <Line key={label} label={label} text={text} changed={false} />)}
        {settings.map(({ path, label, text, unit }) => (
          <Line
            key={path}
            label={unit === null ? label : `${label} (${unit})`}
            text={text}
            changed={known !== undefined && published.get(path) !== text}
          />
        ))}
      </dl>
      {settings.length === 0 && <p className="mt-1 text-xs text-dim">Its settings are not known.</p>}
    </>
  );
}

function Line({ label, text, changed }: { label: string; text: string; changed: boolean }) {
  return (
    <div className="col-span-2 grid grid-cols-subgrid">
      <dt className="break-words text-dim">{label}</dt>
      <dd
        className={`text-right font-mono break-all ${changed ? 'text-accent' : ''}`}
        title={changed ? 'not as in the recipe’s first preset' : undefined}
      >
        {text}
      </dd>
    </div>
  );
}
