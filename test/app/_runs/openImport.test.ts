import { afterEach, expect, it, vi } from 'vitest';
import { OpenImport } from '~/app/_runs/import/openImport';

afterEach(() => vi.unstubAllGlobals());

it('a file that a proxy refuses for its size is an error that says what to change, not the page of the proxy', async () => {
  const page = { status: 413, headers: { 'content-type': 'text/html' } };
  vi.stubGlobal('fetch', async (_: string, { method }: RequestInit) =>
    method === 'PUT' ? new Response('<html>413 Request Entity Too Large</html>', page) : Response.json({ id: 'import01' }),
  );
  const files = [{ file: new File(['x'], 'a.csv'), path: 'a.csv' }];
  await expect(OpenImport.begin(files, new AbortController().signal, () => {})).rejects.toThrow(
    'the answer is 413 with a web page: a proxy before the server refuses files of this size; raise its limit (nginx: client_max_body_size)',
  );
});

it('an answer that comes later, or that a proxy cut short, is asked for again with the same job; another failure is told', async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  const page = { headers: { 'content-type': 'text/html' } };
  const answers = [
    () => Response.json({ job: 'j' }, { status: 202 }),
    () => new Response('<html>', { ...page, status: 504 }),
    () => Promise.reject(new TypeError('Failed to fetch')),
    () => Response.json({ runs: [], leftOut: [] }),
    () => Response.json({ error: 'there is no open import' }, { status: 404 }),
  ];
  vi.stubGlobal('fetch', async (address: string) => {
    if (address.endsWith('/api/imports')) return Response.json({ id: 'import01' });
    if (!address.includes('/runs?')) return Response.json({ result: { data: null } });
    asked.push(address);
    return answers.shift()!();
  });
  const open = await OpenImport.begin([], new AbortController().signal, () => {});
  const result = open.write({}, () => {});
  await vi.advanceTimersByTimeAsync(5000);
  expect(await result).toEqual({ runs: [], leftOut: [] });
  expect([asked.length, new Set(asked).size]).toEqual([4, 1]);
  await expect(open.write({}, () => {})).rejects.toThrow('there is no open import');
  vi.useRealTimers();
});
