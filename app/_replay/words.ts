import { count } from '~/app/_components/format';
import type { ReplayManifest } from '~/shared/replayFile';

/** What the file contains and what it leaves out: one sentence each. */
export function wordsOf({ rows, snapshots, media, console, runId }: ReplayManifest): string[] {
  const curves = rows.whole
    ? `Curves: every row of ${rows.series} series, up to step ${count(rows.headStep)}, exact.`
    : `Curves: ${rows.series} series up to step ${count(rows.headStep)}, rows of the longer ones in groups: of each group the least, the greatest, the mean and the last value, so that no spike is lost. Their single rows are left out; smoothed lines go by the means.`;
  const left = snapshots.of - snapshots.kept - snapshots.missing;
  const maps = [
    snapshots.of === 0
      ? 'Attention: the run has no snapshots.'
      : left === 0 && snapshots.missing === 0
        ? `Attention: all ${count(snapshots.of)} snapshots, exact.`
        : `Attention: ${count(snapshots.kept)} of ${count(snapshots.of)} snapshots, exact.`,
    left > 0 ? `${count(left)} are left out, as was asked for${snapshots.kept > 1 ? '; those here are evenly spaced' : ''}.` : '',
    snapshots.missing > 0 ? `${count(snapshots.missing)} were no longer kept by the server.` : '',
  ];
  return [
    curves,
    maps.filter(Boolean).join(' '),
    ...(media.of === 0
      ? []
      : [
          media.kept === media.of
            ? `Samples: all ${count(media.of)}.`
            : `Samples: ${count(media.of)}, the content of ${count(media.of - media.kept)} left out.`,
        ]),
    ...(console.parts === 0 ? [] : ['Console: what the run printed, as far as the server kept it.']),
    'Left out: parameters and checkpoints.',
    `Keys: arrows move by a step, Page Up and Down by a snapshot, Home and End to either end, Space plays, T switches dark and light.`,
    `Everything of run ${runId}, to be imported elsewhere, is in its .headroom file.`,
  ];
}
