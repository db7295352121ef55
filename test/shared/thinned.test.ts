import { expect, it } from 'vitest';
import { serverEvent } from '~/shared/events';

it('an entry about items that were deleted names at least one, in force or gone back over', () => {
  const entry = (items: object) => serverEvent.safeParse({ type: 'checkpoints.thinned', quotaBytes: 1, message: '', ...items });
  expect(entry({ seqs: [4] }).success).toBe(true);
  expect(entry({ seqs: [], superseded: [5] }).success).toBe(true);
  for (const items of [{ seqs: [] }, { seqs: [], superseded: [] }])
    expect(entry(items).error?.issues).toMatchObject([{ path: ['seqs'], message: 'no item is named' }]);
});
