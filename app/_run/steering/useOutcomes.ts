import { useEffect } from 'react';
import { count } from '~/app/_components/format';
import { useRunStore } from '~/app/_live/RunProvider';
import { toast } from '~/app/_live/toast';
import type { CommandRecord } from '~/shared/view';
import { describeCommand, describeValue, valueSpec } from './steering';

/** Reports the outcomes of commands: one's own prominently, other people's quietly. Outcomes from before the page opened are not reported. */
export function useOutcomes(): void {
  const store = useRunStore();
  useEffect(() => {
    let known: Map<string, string> | null = null;
    let seen: readonly CommandRecord[] | null = null;
    const report = () => {
      const { view, you } = store.get();
      if (!view) return;
      const commands = view.recent.commands.items;
      if (commands === seen) return;
      seen = commands;
      const now = new Map(commands.map((c) => [c.command.id, c.outcome.status]));
      if (known) {
        const before = known;
        // Of a burst (a script, a reconnection) only the newest few are shown; the activity list has them all.
        const news = commands
          .filter((c) => before.get(c.command.id) !== c.outcome.status && c.outcome.status !== 'requested')
          .slice(-3);
        for (const c of news) say(c, you?.id ?? null);
      }
      known = now;
    };
    const say = (record: CommandRecord, youId: string | null) => {
      const { view } = store.get();
      if (!view) return;
      const { outcome, command, actor } = record;
      const mine = actor.id === youId;
      const what = describeCommand(view, command);
      const id = command.id;
      if (outcome.status === 'applied') {
        const spec = command.kind === 'set' ? valueSpec(view, command.control) : undefined;
        const description = spec
          ? `step ${count(outcome.step)}: ${describeValue(spec, outcome.before)} → ${describeValue(spec, outcome.after)}`
          : outcome.message || `step ${count(outcome.step)}`;
        if (mine) toast.success(what, { id, description });
        else toast.message(`${actor.name}: ${what}`, { id, description, duration: 2_500 });
      } else if (outcome.status === 'refused') {
        if (mine) toast.error(`${what} was refused`, { id, description: outcome.message, duration: 8_000 });
        else toast.message(`${actor.name}: ${what} was refused`, { id, description: outcome.message, duration: 2_500 });
      } else if (outcome.status === 'scheduled' && mine) toast.message(`${what} is scheduled`, { id });
      else if (outcome.status === 'proposed')
        toast.message(`${mine ? 'You' : actor.name} proposed: ${what}`, { id, description: 'It waits for a second operator.' });
    };
    report();
    return store.subscribe(report);
  }, [store]);
}
