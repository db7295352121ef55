import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { describeError } from '~/app/_trpc/client';

describe('an error on a page', () => {
  it.each(['Failed to fetch', 'Load failed', 'NetworkError when attempting to fetch resource.'])(
    'a server that cannot be reached is said alike in every browser: %s',
    (words) => {
      const error = new TypeError(words);
      const said = { message: 'the server does not answer', field: null };
      expect([describeError(error), describeError(TRPCClientError.from(error))]).toEqual([said, said]);
    },
  );

  it('what the server said stays as it is, with its field', () => {
    const error = TRPCClientError.from({
      error: { message: 'name: give at least 1 character', code: -32600, data: { field: 'name' } },
    } as never);
    expect(describeError(error)).toEqual({ message: 'name: give at least 1 character', field: 'name' });
  });

  it('a mistake in the page itself is not taken for a broken connection', () => {
    expect(describeError(new TypeError('x is not a function')).message).toBe('x is not a function');
  });
});
