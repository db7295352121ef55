import { describe, expect, it } from 'vitest';
import { createNotifier, type NotifierHost } from '~/app/_live/notifier';
import { createNews } from '~/app/_run/shell/news';
import type { RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

const ann: Actor = { id: 'ann', name: 'Ann Lee', role: 'admin' };
const setup = publishedSetup('reverse', {}, { name: 'night run' });
const created = emptyView('run00001', {
  seq: 1,
  attempt: 0,
  at: 0,
  event: { type: 'run.created', setup, actor: ann, parent: null },
});
const following = (view: RunView, ...events: RunEvent[]): RunView =>
  events.reduce((v, event) => fold(v, { seq: v.seq + 1, attempt: 0, at: 0, event }), view);
const alert = (level: 'info' | 'warning' | 'error', message: string): RunEvent => ({
  type: 'alert',
  step: 12,
  level,
  kind: 'loss-spike',
  message,
});
describe('news', () => {
  it('are warnings, errors and the end; each once, and nothing of before the page opened', () => {
    const news = createNews();
    const old = following(created, alert('error', 'long ago'));
    expect(news(old)).toEqual([]);
    const now = following(
      old,
      alert('info', 'nothing much'),
      alert('warning', 'loss 9 sigmas high'),
      // A rule that is to pause only.
      { ...alert('error', 'paused in silence'), notify: false } as RunEvent,
      { type: 'status', status: 'failed', step: 12, message: 'out of memory' },
    );
    expect(news(now)).toEqual([
      { key: '4', tone: 'warning', title: 'night run: loss-spike at step 12', detail: 'loss 9 sigmas high', step: 12 },
      { key: '6', tone: 'error', title: 'night run: failed at step 12', detail: 'out of memory', step: 12 },
    ]);
    expect(news(now)).toEqual([]);
  });

  it('a burst is told by its newest three', () => {
    const news = createNews();
    news(created);
    const burst = following(created, ...['1', '2', '3', '4', '5'].map((m) => alert('warning', m)));
    expect(news(burst).map((n) => n.detail)).toEqual(['3', '4', '5']);
  });
});

describe('notifications of the browser', () => {
  const host = (permission: NotificationPermission | null, answer: NotificationPermission = 'granted') => {
    const shown: string[] = [];
    const at = { permission, wanted: false, hidden: true };
    const h: NotifierHost = {
      permission: () => at.permission,
      ask: async () => {
        at.permission = answer;
        return answer;
      },
      show: (title) => void shown.push(title),
      hidden: () => at.hidden,
      wanted: () => at.wanted,
      keepWanted: (on) => {
        at.wanted = on;
      },
    };
    return { h, at, shown };
  };

  it('come only once asked for, and only while the tab is hidden', async () => {
    const { h, at, shown } = host('default');
    const notifier = createNotifier(h);
    notifier.notify('before', '', 'a');
    await notifier.toggle();
    expect(notifier.get()).toEqual({ status: 'on' });
    notifier.notify('hidden', '', 'a');
    at.hidden = false;
    notifier.notify('seen anyway', '', 'a');
    at.hidden = true;
    await notifier.toggle();
    notifier.notify('off again', '', 'a');
    expect(shown).toEqual(['hidden']);
  });

  it('a refusal is said, and not asked again', async () => {
    const { h } = host('default', 'denied');
    const notifier = createNotifier(h);
    await notifier.toggle();
    expect(notifier.get()).toEqual({ status: 'blocked' });
    expect(createNotifier(host(null).h).get()).toEqual({ status: 'missing' });
  });
});
