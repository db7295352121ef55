import type { ReactNode } from 'react';
import { withUnit } from '~/app/_components/format';
import { useRecipes } from '~/app/_live/recipes';
import { useView } from '~/app/_live/useRun';
import { PanelBody } from '~/app/_run/PanelBody';
import { settingsOf } from '~/shared/settings';
import { isOpened } from '~/shared/view';
import { type Line, Lines } from './Lines';
import { Script } from './Script';

/** Settings with which the run was started, its script, and the device that trains it. */
export function SetupPanel() {
  const opened = useView(isOpened, false);
  const device = useView((v) => v.device !== null, false);
  return (
    <PanelBody title="Set-up">
      <div className="grid max-w-6xl gap-x-8 gap-y-4 p-3 lg:grid-cols-2">
        {opened && (
          <Part title="Script">
            <Script />
          </Part>
        )}
        <Part title="Started with">
          <SetupList />
        </Part>
        {device && (
          <Part title="Trained on">
            <Device />
          </Part>
        )}
      </div>
    </PanelBody>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="mb-1 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

/** Highlights settings that differ from the recipe's first preset. */
function SetupList() {
  const setup = useView((v) => v.setup, null);
  const data = useView((v) => v.data, null);
  const recipes = useRecipes([setup?.recipe?.name ?? null]);
  if (!setup) return null;
  const { recipe, project, group, jobType, config } = setup;
  const known = recipe ? recipes.get(recipe.name) : undefined;
  const settings = settingsOf(config, known?.schema ?? null);
  const published = new Map(settingsOf(known?.presets[0]?.config ?? {}, known?.schema ?? null).map((s) => [s.path, s.text]));
  return (
    <>
      <Lines
        lines={[
          ['Recipe', recipe && (known?.title ?? recipe.name)],
          ['Data', data],
          ['Trainer asked for', recipe?.trainer],
          ['Project', project],
          ['Group', group],
          ['Job type', jobType],
          ...settings.map(
            ({ path, label, text, unit }): Line => [
              withUnit(label, unit),
              text,
              known !== undefined && published.get(path) !== text,
            ],
          ),
        ]}
      />
      {settings.length === 0 && <p className="mt-1 text-xs text-dim">The run came without settings.</p>}
    </>
  );
}

function Device() {
  const { device, trainer } = useView((v) => ({ device: v.device, trainer: v.trainer }), { device: null, trainer: null });
  if (!device) return null;
  const tried = device.tried ?? [];
  return (
    <>
      <Lines
        lines={[
          ['Backend', device.backend],
          ['Device', device.device || null],
          ['Software', device.software],
          ['Trainer', trainer && `${trainer.name} on ${trainer.host}`],
        ]}
      />
      {tried.length > 0 && (
        <>
          <p className="mt-2 text-xs text-dim">Tried before, and passed over:</p>
          <ul className="mt-1 space-y-1 text-xs">
            {tried.map((t) => (
              <li key={t.backend}>
                <span className="font-semibold">{t.backend}</span>: <span className="break-words">{t.reason}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
