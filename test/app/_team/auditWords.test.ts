import { expect, it } from 'vitest';
import { describeAuditEvent, namesIn } from '~/app/_team/words';
import type { AuditEvent, AuditRow } from '~/shared/team';

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
  const names = namesIn(events.map((event) => ({ actor: ada, event }) as AuditRow));
  expect(names.get(ada.id)).toBe('Ada');
  expect(events.map((event) => describeAuditEvent(event, (id) => names.get(id) ?? id))).toEqual([
    'joined as viewer',
    'changed Bob: role operator',
    'removed Bob',
    'removed person-cy',
    'limited what each run keeps: snapshots 1 GiB, checkpoints 1 MiB',
  ]);
});
