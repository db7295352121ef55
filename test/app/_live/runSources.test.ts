import { expect, it } from 'vitest';
import { runSources } from '~/app/_live/runSources';
import { recordedStore } from '~/app/_replay/store';
import { emptyView } from '~/shared/fold';
import { publishedSetup } from '~/test/support/setups';

it('a run that several parts of a page follow is opened once, and closed when the last of them has left it', () => {
  const log: string[] = [];
  const actor = { id: 'a', name: 'Ada', role: 'operator' as const };
  const created = { type: 'run.created' as const, setup: publishedSetup('reverse'), actor, parent: null };
  const sources = runSources((runId) => {
    log.push(`open ${runId}`);
    const store = recordedStore(emptyView(runId, { seq: 1, attempt: 0, at: 0, event: created }));
    return { ...store, close: () => void log.push(`close ${runId}`) };
  });
  const page = sources.follow('run001');
  const pane = sources.follow('run001');
  const other = sources.follow('run002');
  expect(pane.store).toBe(page.store);
  page.leave();
  page.leave();
  expect(log).toEqual(['open run001', 'open run002']);
  pane.leave();
  other.leave();
  expect(log.slice(2)).toEqual(['close run001', 'close run002']);
  expect(sources.follow('run001').store).not.toBe(page.store);
});
