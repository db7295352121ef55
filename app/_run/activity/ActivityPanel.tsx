import {
  type Activity,
  BadgeCheck,
  Camera,
  Database,
  FlaskConical,
  MessageSquare,
  Milestone,
  Save,
  SlidersHorizontal,
  TriangleAlert,
  Undo2,
  Users,
} from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { Ago } from '~/app/_components/Ago';
import { Avatar } from '~/app/_components/Avatars';
import { Button } from '~/app/_components/Button';
import { Select } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { rowNames } from '~/app/_components/rowNames';
import { VirtualList } from '~/app/_components/VirtualList';
import { useCursor } from '~/app/_live/cursor';
import { useHorizon, useWithLoaded } from '~/app/_live/lists';
import { useReadOnly } from '~/app/_live/readOnly';
import { useRun } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import { AsOf, useIsLater } from '~/app/_run/AsOf';
import { GoToStep } from '~/app/_run/GoToStep';
import { Nothing, Older, PanelBody } from '~/app/_run/PanelBody';
import { WhatIf } from '~/app/_run/steering/BranchDialog';
import { CheckpointActions } from '~/app/_run/steering/CheckpointActions';
import { useWhyNot } from '~/app/_run/steering/useWhyNot';
import { type ListKind, listKinds } from '~/shared/view';
import { activity, type Item, type Listed, type Tone } from './activity';
import { RuleButtons } from './RuleButtons';

const icons: Record<Item['kind'], typeof Activity> = {
  command: SlidersHorizontal,
  evaluation: BadgeCheck,
  checkpoint: Save,
  snapshot: Camera,
  analysis: FlaskConical,
  status: Milestone,
  alert: TriangleAlert,
  note: MessageSquare,
  team: Users,
  record: Database,
};
const colors: Record<Tone, string> = { plain: 'text-dim', good: 'text-good', warn: 'text-warn', bad: 'text-bad' };
const small = 'h-6! w-auto! max-w-full font-sans px-1!';
const filters = ['everything', 'commands', 'results', 'alerts', 'notes', 'team'] as const;
const kept: Record<(typeof filters)[number], (item: Item) => boolean> = {
  everything: () => true,
  commands: (i) => i.kind === 'command',
  results: (i) => i.kind === 'evaluation' || i.kind === 'checkpoint' || i.kind === 'snapshot' || i.kind === 'analysis',
  alerts: (i) => i.kind === 'alert' || i.kind === 'status',
  notes: (i) => i.kind === 'note',
  team: (i) => i.kind === 'team' || i.kind === 'record',
};
/** Lines that are shown without a click. */
const atOnce = 60;
/** There are too many snapshots to load all of them: of the loaded ones, those that people asked for are listed. */
const merged: readonly ListKind[] = listKinds.filter((kind) => kind !== 'snapshots' && kind !== 'media');

const listedNames = [
  'commands',
  'evaluations',
  'checkpoints',
  'snapshots',
  'analyses',
  'statuses',
  'alerts',
  'controls',
  'values',
  'notes',
  'activity',
  'createdBy',
  'createdAt',
  'parent',
  'branchChange',
] as const satisfies readonly (keyof Listed)[];
const listedOf = (view: Listed): Listed => Object.fromEntries(listedNames.map((name) => [name, view[name]])) as unknown as Listed;

/** Everything that happened to the run besides steps. A click on a line moves every panel to its step. */
export function ActivityPanel() {
  const listed = useWithLoaded(listedOf, null);
  const { fromSeq, older } = useHorizon(merged);
  const why = useWhyNot();
  const readOnly = useReadOnly();
  const youId = useRun((r) => r.you?.id ?? null);
  const [filter, setFilter] = useState<(typeof filters)[number]>('everything');
  const [person, setPerson] = useState('');
  // Before `fromSeq` one list may have lines that another has not loaded yet. Line 1 is the creation of the run.
  const all = useMemo(
    () => (listed ? activity(listed).filter((item) => item.seq >= fromSeq || (item.seq === 1 && fromSeq === 0)) : []),
    [listed, fromSeq],
  );
  const people = useMemo(() => [...new Map(all.flatMap(({ who }) => (who ? [[who.id, who.name]] : []))).entries()], [all]);
  const items = useMemo(
    () => all.filter((item) => kept[filter](item) && (person === '' || item.who?.id === person)),
    [all, filter, person],
  );
  const names = useMemo(() => {
    const words = items.map(({ title, step }) => (step === null ? title : `${title}, step ${count(step)}`));
    return new Map(rowNames(words, (i) => `entry ${items[i]!.seq}`).map((name, i) => [items[i]!.seq, name]));
  }, [items]);
  const few = fromSeq > 0 && items.length < atOnce && filter === 'everything' && person === '';
  useEffect(() => {
    if (few) older();
  }, [few, older]);
  return (
    <PanelBody
      title="Activity"
      tools={
        <span className="flex flex-wrap items-center gap-1">
          {!readOnly && <RuleButtons />}
          <AsOf />
          <Select aria-label="Which activity" className={small} options={filters} value={filter} onPick={setFilter} />
          {(people.length > 1 || person !== '') && (
            <Select
              aria-label="Whose activity"
              className={`${small} max-w-24`}
              options={[{ value: '', text: 'everybody' }, ...people.map(([value, text]) => ({ value, text }))]}
              value={person}
              onPick={setPerson}
            />
          )}
        </span>
      }
    >
      {items.length === 0 ? (
        <Nothing>{all.length === 0 ? 'Nothing yet.' : 'Nothing of this kind.'}</Nothing>
      ) : (
        <VirtualList
          items={items}
          keyOf={(item) => `${item.kind}${item.seq}`}
          estimate={44}
          className="max-h-full py-1"
          testId="activity"
          label="Activity, newest first"
          onEnd={older}
        >
          {(item) => <Line item={item} name={names.get(item.seq) ?? item.title} why={why} youId={youId} />}
        </VirtualList>
      )}
      {fromSeq > 0 && <Older onClick={older} />}
    </PanelBody>
  );
}

function Line({ item, name, why, youId }: { item: Item; name: string; why: string | null; youId: string | null }) {
  const steer = useSteer();
  const readOnly = useReadOnly();
  const here = useCursor((c) => c.mode === 'pinned' && c.step === item.step);
  const later = useIsLater(item.step);
  const Icon = icons[item.kind];
  const { step, who, undo, checkpoint } = item;
  return (
    <div className={`group flex items-start gap-2 px-3 py-1 hover:bg-raised/60 ${here ? 'bg-raised' : ''}`}>
      <Icon aria-hidden size={13} className={`mt-1 shrink-0 ${colors[item.tone]}`} />
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline gap-1.5">
          <span className={`min-w-0 truncate ${later ? 'text-dim' : ''}`} title={item.title}>
            {item.title}
          </span>
          {step !== null && <GoToStep step={step} className="ml-auto text-2xs" />}
        </p>
        <p className="flex items-center gap-1 text-2xs text-dim">
          {who && <Avatar id={who.id} name={who.name} title={who.id === youId ? `${who.name} (you)` : who.name} />}
          <span className={`min-w-0 break-words ${item.tone === 'bad' ? 'text-bad' : ''}`}>{item.detail}</span>
          <span className="ml-auto shrink-0 pl-1">
            <Ago at={item.at} />
          </span>
        </p>
        {checkpoint !== undefined && step !== null && (
          <div className="-ml-1.5 flex">
            <CheckpointActions step={step} hash={checkpoint} of={name} />
          </div>
        )}
        {item.whatIf && !readOnly && (
          <div className="-ml-1.5 flex">
            <WhatIf {...item.whatIf} of={name} />
          </div>
        )}
      </div>
      {undo && !readOnly && (
        <Button
          size="small"
          look="bare"
          of={name}
          disabled={why !== null}
          title={why ?? 'Take this change back'}
          onClick={() => void steer(undo)}
        >
          <Undo2 aria-hidden size={12} />
          Undo
        </Button>
      )}
    </div>
  );
}
