import { expect, it } from 'vitest';
import { describeAuditEvent, toldBy } from '~/app/_team/words';
import type { AuditEvent, AuditRow } from '~/shared/team';
import { defaultRules } from '~/shared/watchdogs';

it('a person of the audit log is named, also once removed', () => {
  const ada = { id: 'person-ada', name: 'Ada', role: 'admin' } as const;
  const bob = { id: 'person-bob', name: 'Bob', colour: '#aa3355', role: 'viewer', since: 1 } as const;
  const events: AuditEvent[] = [
    { type: 'person.joined', person: bob, inviteId: null },
    { type: 'person.changed', personId: bob.id, role: 'operator' },
    { type: 'person.removed', personId: bob.id },
    { type: 'person.removed', personId: 'person-cy' },
    { type: 'retention.limits', snapshots: 2 ** 30, checkpoints: 2 ** 20 },
  ];
  const told = toldBy(events.map((event) => ({ actor: ada, event }) as AuditRow));
  expect(told.people.get(ada.id)).toBe('Ada');
  expect(events.map((event) => describeAuditEvent(event, told))).toEqual([
    'joined as viewer',
    'changed Bob: role operator',
    'removed Bob',
    'removed person-cy',
    'limited what each run keeps: snapshots 1 GiB, checkpoints 1 MiB',
  ]);
});

it('a run that is here is named, one that was deleted is its id', () => {
  const events: AuditEvent[] = [
    { type: 'run.created', runId: 'run002', parent: 'run001' },
    { type: 'watchdog.rules', runId: 'run002', rules: defaultRules },
    { type: 'run.changed', runId: 'run001', what: 'deleted' },
  ];
  const told = toldBy([], [], { run002: 'Reverse' });
  expect(events.map((event) => describeAuditEvent(event, told))).toEqual([
    'branched “Reverse” from run run001',
    'changed the watchdogs of “Reverse”',
    'run run001: deleted',
  ]);
});

it('what became of a command says what it asked for, where the rows tell', () => {
  const runId = 'run1';
  const set = { kind: 'set', id: 'c1', runId, control: 'clipValue', value: 2 } as const;
  const act = { kind: 'act', id: 'c2', runId, action: 'checkpoint', args: {} } as const;
  const applied = { type: 'command.applied', runId, seq: 1, step: 90 } as const;
  const events: AuditEvent[] = [
    { type: 'command.requested', runId, seq: 1, command: set },
    { type: 'command.requested', runId, seq: 2, command: act },
    { ...applied, commandId: 'c1', before: 5, after: 2 },
    { ...applied, commandId: 'c2', before: null, after: null },
    { type: 'command.refused', runId, seq: null, commandId: 'c3', reason: 'run-ended' },
  ];
  const told = toldBy(events.map((event) => ({ actor: { id: 'ada', name: 'Ada', role: 'admin' }, event }) as AuditRow));
  expect(events.map((event) => describeAuditEvent(event, told))).toEqual([
    'run run1: asked for clipValue = 2',
    'run run1: asked for checkpoint',
    'run run1: applied clipValue = 2 at step 90: 5 → 2',
    'run run1: applied checkpoint at step 90',
    'run run1: refused command c3 (run-ended)',
  ]);
});
