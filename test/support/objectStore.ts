/** An S3-compatible store of a test's own, with one bucket, "lab". */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import S3rver from 's3rver';
import { ownFolder } from './folder';

export interface TestObjectStore {
  /** For BLOB_URL. */
  url: string;
  /** Its connections break off, as when it is restarted. */
  stop(): Promise<void>;
  /** On the same port, with what it holds. */
  start(): Promise<void>;
  /** Sizes in bytes of the objects whose name begins so, the smallest first. */
  sizes(start: string): number[];
  close(): Promise<void>;
}

export async function startObjectStore(): Promise<TestObjectStore> {
  // Those that s3rver accepts.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' });
  const folder = ownFolder();
  const on = (port: number) =>
    new S3rver({
      address: '127.0.0.1',
      port,
      silent: true,
      directory: folder.path,
      configureBuckets: [{ name: 'lab', configs: [] }],
    });
  let server = on(0);
  const { port } = await server.run();
  return {
    url: `s3://lab/team?endpoint=http://127.0.0.1:${port}`,
    stop: () => server.close(),
    sizes: (start) =>
      readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.startsWith(join('lab', 'team', start)) && file.endsWith('._S3rver_object'))
        .map((file) => statSync(join(folder.path, file)).size)
        .sort((a, b) => a - b),
    async start() {
      server = on(port);
      await server.run();
    },
    async close() {
      await server.close();
      folder.remove();
    },
  };
}
