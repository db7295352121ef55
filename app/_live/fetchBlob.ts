import { paths } from '~/shared/protocol';

/** @throws Error with what the server said */
export async function fetchBlob(hash: string): Promise<Uint8Array> {
  const response = await fetch(`${paths.blobs}/${hash}`);
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return new Uint8Array(await response.arrayBuffer());
}
