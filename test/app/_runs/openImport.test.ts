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
