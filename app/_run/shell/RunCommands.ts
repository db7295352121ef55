import { useCommands } from '~/app/_components/commands';
import { count } from '~/app/_components/format';
import { wholeTyped } from '~/app/_components/numberTyped';
import { attentionView } from '~/app/_live/attentionView';
import { chartChoices } from '~/app/_live/chartSettings';
import { setCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { serverTime } from '~/app/_live/serverTime';
import { useSteer } from '~/app/_live/useSteer';
import { reveal } from '~/app/_live/workspace';
import { startArgs, whyNot } from '~/app/_run/steering/steering';
import { seriesOf } from '~/shared/streams';
import { panels } from './panels';

/** Commands of a run's page in the command palette: its steps, heads, series, panels and actions. */
export function useRunCommands(): void {
  const store = useRunStore();
  const steer = useSteer();
  useCommands((typed) => {
    const { view, you, readOnly } = store.get();
    if (!view) return [];
    const refused = whyNot(view, you, serverTime.now(Date.now()));
    const at = wholeTyped(typed.trim().replace(/^step\s+/i, ''));
    const head = /^l(?:ayer)?\s*(\d+)[\s,]*h(?:ead)?\s*(\d+)$/i.exec(typed.trim());
    const [layer, number] = head ? [Number(head[1]), Number(head[2])] : [0, 0];
    return [
      ...(at !== null && at >= Math.min(0, setCursor.startStep()) && at <= view.step
        ? [{ id: 'step', group: 'Steps', title: `Go to step ${count(at)}`, words: typed, run: () => setCursor.pin(at) }]
        : []),
      { id: 'newest', group: 'Steps', title: 'Follow the newest step', words: 'live latest', run: () => setCursor.follow() },
      ...(layer > 0 && number > 0
        ? [
            {
              id: 'head',
              group: 'Heads',
              title: `Show layer ${layer}, head ${number}`,
              words: typed,
              run: () => {
                reveal('attention', 'center');
                attentionView.set({ pinned: { layer: layer - 1, head: number - 1, query: null, key: null } });
              },
            },
          ]
        : []),
      ...(readOnly || refused !== null
        ? []
        : view.controls.actions.map((action) => ({
            id: `act ${action.name}`,
            group: 'Steer',
            title: action.label,
            words: `${action.name} ${action.role ?? ''}`,
            run: () => void steer({ kind: 'act', action: action.name, args: startArgs(action) }),
          }))),
      ...panels
        .filter((p) => p.shown(view, readOnly === true))
        .map((p) => ({
          id: `panel ${p.id}`,
          group: 'Panels',
          title: `Show ${p.title}`,
          words: p.id,
          run: () => reveal(p.id, p.where),
        })),
      ...seriesOf(view)
        .filter((s) => s.role !== 'gradNormOf')
        .map((s) => ({
          id: `series ${s.name}`,
          group: 'Series',
          title: s.name,
          words: s.role ?? '',
          run: () => {
            reveal('curves', 'center');
            chartChoices.set({ search: `^${s.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$` });
          },
        })),
    ];
  });
}
