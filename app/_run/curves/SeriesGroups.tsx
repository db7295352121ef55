import { useMemo } from 'react';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { useMoreSeries } from '~/app/_live/moreSeries';
import { useSeries } from '~/app/_live/series';
import { useView } from '~/app/_live/useRun';
import { isSystem } from '~/app/_run/system/systemGroup';
import { seriesLabel } from './chartLines';
import { Fold, WhenSeen } from './Fold';
import { groupSeries, nameInGroup, type SeriesGroup } from './grouping';
import { SeriesChart } from './RunChart';
import { wordsOf } from './seriesSearch';
import type { Charts } from './useCharts';

/** Charts that are open at first. Where some charts are at the top, only those of groups that the trainer did not declare: it has said what comes first. */
const OPEN_AT_FIRST = 12;

interface SeriesGroupsProps {
  charts: Charts;
  drawn: ReadonlySet<string>;
  test(text: string): boolean;
  /** '' = no search. */
  search: string;
  /** The search matches charts at the top. */
  matched: boolean;
}

/** Series without a chart at the top, folded by group; a search unfolds the groups with matches. */
export function SeriesGroups({ charts, drawn, test, search, matched }: SeriesGroupsProps) {
  const searching = search !== '';
  const held = useSeries();
  const left = useView((v) => v.columnCount, 0) - held.length;
  const { history } = charts;
  const others = useMoreSeries(history, held, left, search);
  const { series: found } = others;
  const groups = useMemo(
    () =>
      groupSeries([
        ...held.filter((s) => !drawn.has(s.name) && !isSystem(s) && (!searching || wordsOf(s).some(test))),
        ...found.filter((s) => !isSystem(s)),
      ]),
    [held, found, drawn, searching, test],
  );
  const openAtFirst = useMemo(() => firstGroups(drawn.size > 0 ? groups.filter(isByName) : groups), [drawn, groups]);
  return (
    <>
      {searching && groups.length === 0 && !matched && !others.reading && held.length > 0 && (
        <p className="px-3 pb-3 text-dim">No series of this run matches.</p>
      )}
      {groups.map(({ name, members }) => (
        <Fold
          key={name}
          name={name}
          count={`${count(members.length)} series`}
          openAtFirst={openAtFirst.has(name)}
          searching={searching}
        >
          {members.map((s, i) => (
            <WhenSeen key={s.name} height={192}>
              <SeriesChart
                charts={charts}
                name={s.name}
                title={nameInGroup(seriesLabel(s), name)}
                {...(s.unit && { label: s.unit })}
                color={i}
                among={members}
                smoothed
                height={160}
              />
            </WhenSeen>
          ))}
        </Fold>
      ))}
      {left > 0 && (
        <p className="flex items-center gap-2 border-t border-line px-3 py-1.5 text-xs text-dim">
          {searching
            ? 'Series beyond the newest are found by their key, as plain text.'
            : `${count(left)} more series than the page holds: search for one by its key.`}
          {others.error && <span className="text-bad">{others.error}</span>}
          {others.more && (
            <Button size="small" disabled={others.reading} onClick={others.read}>
              {found.length > 0 ? 'Show more of them' : 'Show them'}
            </Button>
          )}
        </p>
      )}
    </>
  );
}

/** Whether the group is the beginning of its series' names (the server declares it so for programs without our client), or none. */
const isByName = ({ name, members }: SeriesGroup): boolean => members.every((s) => s.name.startsWith(name));

/** The first groups, as many as have few charts together. */
function firstGroups(groups: readonly SeriesGroup[]): ReadonlySet<string> {
  const out = new Set<string>();
  let charts = 0;
  for (const { name, members } of groups) {
    charts += members.length;
    if (charts > OPEN_AT_FIRST && out.size > 0) break;
    out.add(name);
  }
  return out;
}
