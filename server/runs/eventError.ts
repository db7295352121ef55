import type { StreamState } from '~/server/store/streamState';
import type { TrainerEvent } from '~/shared/events';
import { withPlainSteps } from '~/shared/series';
import { unreachable } from '~/shared/unreachable';
import type { RunView } from '~/shared/view';

/** Whether one event of a trainer fits the run as it is: null, or "field: what is wrong". */
export function eventError(view: RunView, streams: StreamState, event: TrainerEvent): string | null {
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
    case 'series':
    case 'rows':
      return streams.problem(event);
    case 'snapshot':
      for (const [name, values] of Object.entries(event.signals))
        if (values.length !== event.layers * event.heads)
          return `signals.${name}: ${event.layers} layers x ${event.heads} heads need ${event.layers * event.heads} numbers, got ${values.length}`;
      return null;
    case 'checkpoint':
      return event.lastCommandSeq > view.seq ? `lastCommandSeq: the log ends at ${view.seq}, got ${event.lastCommandSeq}` : null;
    case 'command.applied':
    case 'command.refused':
    case 'command.scheduled': {
      const asked = view.commands.find((c) => c.command.id === event.commandId);
      if (!asked) return `commandId: the run has no command ${event.commandId}`;
      return asked.seq === event.seq ? null : `seq: command ${event.commandId} is at seq ${asked.seq}, got ${event.seq}`;
    }
    // Rows may be far apart, so that what happens between two of them is at a step that has no row yet.
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

/** The event as the log keeps it; null: it says nothing that the log does not say already. */
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
