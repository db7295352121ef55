import {
  BadgeCheck,
  ChartLine,
  Cpu,
  GalleryThumbnails,
  Grid3x3,
  History,
  type LucideIcon,
  MessageSquare,
  Settings2,
  SlidersHorizontal,
  Waves,
} from 'lucide-react';
import type { ComponentType } from 'react';
import { later } from '~/app/_components/later';
import { isThread } from '~/app/_run/notes/anchors';
import { isSystem } from '~/app/_run/system/systemGroup';
import type { Series } from '~/shared/series';
import type { RunView } from '~/shared/view';

/** A panel of the run page. */
export interface Panel {
  /** Used in links. */
  id: string;
  /** Text of its tab. */
  title: string;
  icon: LucideIcon;
  /** In the center, or beside it. */
  where: 'center' | 'side';
  /** Whether this run has content for the panel. */
  shown(view: RunView, readOnly: boolean): boolean;
  /** A number on the tab; '' = none. */
  count?(view: RunView): string;
  /** Stays mounted once it was opened, so that typed text is kept. */
  keeps?: true;
  /** Loads its script in advance, so that the panel opens immediately. */
  preload(): Promise<unknown>;
  Body: ComponentType;
}

const always = () => true;
/** @param atLeast older items are not known */
const badge = (n: number, atLeast = false) => (n === 0 ? '' : `${n}${atLeast ? '+' : ''}`);
const hasSeries = (view: RunView, fits: (series: Series) => boolean) => view.streams.some((s) => s.columns.some(fits));

/** @param load loads the panel's script when the panel is first opened */
const panel = ({ load, ...rest }: Omit<Panel, 'Body' | 'preload'> & { load(): Promise<ComponentType> }): Panel => ({
  ...rest,
  preload: () => load().catch(() => {}),
  Body: later(async () => ({ default: await load() })),
});

/** Every panel of the run page, in the order of its tabs. */
export const panels: readonly Panel[] = [
  panel({
    id: 'curves',
    title: 'Curves',
    icon: ChartLine,
    where: 'center',
    shown: always,
    load: () => import('~/app/_run/curves/CurvesPanel').then((m) => m.CurvesPanel),
  }),
  panel({
    id: 'attention',
    title: 'Attention',
    icon: Grid3x3,
    where: 'center',
    shown: (v) => v.counts.snapshots.count > 0,
    load: () => import('~/app/_run/attention/AttentionPanel').then((m) => m.AttentionPanel),
  }),
  panel({
    id: 'gradients',
    title: 'Gradients',
    icon: Waves,
    where: 'center',
    shown: (v) => hasSeries(v, (s) => s.role === 'gradNormOf'),
    load: () => import('~/app/_run/curves/GradientPanel').then((m) => m.GradientPanel),
  }),
  panel({
    id: 'samples',
    title: 'Samples',
    icon: GalleryThumbnails,
    where: 'center',
    shown: (v) => v.counts.media.count > 0 || v.console !== null,
    load: () => import('~/app/_run/samples/SamplesPanel').then((m) => m.SamplesPanel),
  }),
  panel({
    id: 'system',
    title: 'System',
    icon: Cpu,
    where: 'center',
    shown: (v) => hasSeries(v, isSystem),
    load: () => import('~/app/_run/system/SystemPanel').then((m) => m.SystemPanel),
  }),
  panel({
    id: 'setup',
    title: 'Set-up',
    icon: Settings2,
    where: 'center',
    shown: always,
    load: () => import('~/app/_run/setup/SetupPanel').then((m) => m.SetupPanel),
  }),
  panel({
    id: 'steer',
    title: 'Steer',
    icon: SlidersHorizontal,
    where: 'side',
    shown: (_, readOnly) => !readOnly,
    count: (v) => badge(v.openCommands.filter((c) => c.outcome.status === 'proposed').length),
    keeps: true,
    load: () => import('~/app/_run/steering/SteeringPanel').then((m) => m.SteeringPanel),
  }),
  panel({
    id: 'activity',
    title: 'Activity',
    icon: History,
    where: 'side',
    shown: always,
    load: () => import('~/app/_run/activity/ActivityPanel').then((m) => m.ActivityPanel),
  }),
  panel({
    id: 'notes',
    title: 'Notes',
    icon: MessageSquare,
    where: 'side',
    shown: (v, readOnly) => !readOnly || v.counts.notes.count > 0,
    count: ({ recent: { notes } }) => badge(notes.items.filter((n) => isThread(n) && !n.resolved).length, notes.fromSeq > 0),
    keeps: true,
    load: () => import('~/app/_run/notes/NotesPanel').then((m) => m.NotesPanel),
  }),
  panel({
    id: 'evaluations',
    title: 'Evaluations',
    icon: BadgeCheck,
    where: 'side',
    shown: (v, readOnly) => !readOnly || v.counts.evaluations.count > 0,
    load: () => import('~/app/_run/activity/EvaluationsPanel').then((m) => m.EvaluationsPanel),
  }),
];

export const panelOf = (id: string): Panel | undefined => panels.find((p) => p.id === id);
