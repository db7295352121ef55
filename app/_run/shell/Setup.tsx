import { Settings2 } from 'lucide-react';
import { Popup } from '~/app/_components/Popup';
import { useView } from '~/app/_live/useRun';
import { groups, textsOf } from '~/app/_runs/configForm';
import { configOfSetup, defaultConfig } from '~/shared/config';

/** What the run was started with; what differs from the published set-up stands out. */
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
  const config = setup && configOfSetup(setup);
  if (!config) return null;
  const texts = textsOf(config);
  const published = textsOf(defaultConfig(config.task.kind));
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-xs">
      {groups.map(({ fields }) =>
        fields
          .filter((f) => f.path !== 'name' && texts[f.path] !== undefined && (f.shown?.(texts) ?? true))
          .map((f) => (
            <div key={f.path} className="col-span-2 grid grid-cols-subgrid">
              <dt className="text-dim">{f.label}</dt>
              <dd className={`text-right font-mono break-all ${texts[f.path] === published[f.path] ? '' : 'text-accent'}`}>
                {texts[f.path] || f.whenEmpty}
              </dd>
            </div>
          )),
      )}
    </dl>
  );
}
