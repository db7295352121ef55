import type { StreamState } from '~/server/store/streamState';
import { changedConfig } from '~/shared/changedConfig';
import type { LoggedCommand } from '~/shared/commands';
import type { SnapshotEvent, TrainerEvent } from '~/shared/events';
import { unseenIn } from '~/shared/ids';
import { withPlainSteps } from '~/shared/rows';
import { config } from '~/shared/setup';
import { headCount } from '~/shared/snapshotFile';
import { unreachable } from '~/shared/unreachable';
import { isOpened, type RunView } from '~/shared/view';

/**
 * Checks one event of a trainer against the run's present state: null, or "field: what is wrong". @param commands the commands
 * that the events answer, by id, if they are in the log
 */
export function eventError(
  view: RunView,
  streams: StreamState,
  event: TrainerEvent,
  commands: ReadonlyMap<string, LoggedCommand>,
): string | null {
  switch (event.type) {
    case 'started': {
      const { values, actions } = event.controls;
      for (const [list, declared] of [['values', values] as const, ['actions', actions] as const]) {
        const names = declared.map((d) => d.name);
        const repeated = names.find((name, i) => names.indexOf(name) !== i);
        if (repeated !== undefined) return `controls.${list}: "${repeated}" stands twice`;
      }
      const missing = values.find((c) => !Object.hasOwn(event.values, c.name));
      return missing ? `values: the declared control "${missing.name}" has no value` : streams.problem(event);
    }
    case 'setup': {
      const merged = config.safeParse(changedConfig(view.setup.config, event));
      if (!merged.success) return merged.error.issues[0]!.message;
      for (const [field, names] of [['name', [event.name ?? '']] as const, ['tags', event.tags ?? []] as const]) {
        const unseen = names.map(unseenIn).find((found) => found !== null);
        if (unseen !== undefined) return `${field}: ${unseen}`;
      }
      return null;
    }
    case 'series':
    case 'rows':
      return streams.problem(event);
    case 'snapshot':
      return signalProblem(event);
    case 'checkpoint':
      if (event.reference !== undefined && !isOpened(view))
        return 'reference: only a script’s own run names checkpoints that are kept elsewhere; this one is resumed from their bytes';
      return event.lastCommandSeq > view.seq ? `lastCommandSeq: the log ends at ${view.seq}, got ${event.lastCommandSeq}` : null;
    case 'command.applied':
    case 'command.refused':
    case 'command.scheduled': {
      const asked = commands.get(event.commandId);
      const own = ['asked', 'reverted'].find((field) => field in event);
      if (own !== undefined) return `${own}: only the server says this`;
      if (!asked) return `commandId: the run has no command ${event.commandId}`;
      return asked.seq === event.seq ? null : `seq: command ${event.commandId} is at seq ${asked.seq}, got ${event.seq}`;
    }
    // Rows may be far apart, so an event between two rows may be at a step that has no row yet.
    case 'rewind':
    case 'evaluation':
    case 'analysis':
    case 'status':
    case 'alert':
    case 'media':
    case 'console':
      return null;
    default:
      return unreachable(event);
  }
}

function signalProblem({ layers, signals }: SnapshotEvent): string | null {
  const heads = headCount(layers);
  const names = new Set<string>();
  for (const [i, { name, values }] of signals.entries()) {
    if (names.has(name)) return `signals.${i}.name: "${name}" occurs twice`;
    names.add(name);
    if (values.length !== heads)
      return `signals.${i}.values: "${name}" needs one number for each of the ${heads} heads of ${layers.length} layers, got ${values.length}`;
  }
  return null;
}

/** The event as the log keeps it; null: it adds nothing to the log. */
export function asLogged(streams: StreamState, event: TrainerEvent): TrainerEvent | null {
  switch (event.type) {
    case 'rows':
      return withPlainSteps(event);
    case 'series':
      return streams.declared(event) ? null : event;
    case 'started': {
      const { streams: specs, ...rest } = event;
      const fresh = specs?.filter((spec) => !streams.declared(spec)) ?? [];
      return fresh.length > 0 ? { ...rest, streams: fresh } : rest;
    }
    case 'rewind':
      return { type: 'rewind', step: event.step };
    default:
      return event;
  }
}
