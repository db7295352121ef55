/** A trainer that cannot connect says why, and what helps: with real servers that are none of ours. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { askServer } from '~/server/base/askServer';
import { ownFolder } from '~/test/support/folder';
import { freePort } from '~/test/support/product';
import { realHost, whyUnreached } from '~/trainer/link/linkHost';
import type { LinkStart } from '~/trainer/link/messages';

/** A certificate that it signed itself; null without openssl. */
function ownCertificate(): { key: Buffer; cert: Buffer } | null {
  const folder = ownFolder();
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder.path, name)) as [string, string];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
  ]);
  const both = made.status === 0 ? { key: readFileSync(key), cert: readFileSync(cert) } : null;
  folder.remove();
  return both;
}
const certificate = ownCertificate();
if (!certificate) console.warn('SKIPPED: one test of certificates needs openssl (Debian: apt-get install openssl).');

async function whyNot(server: string): Promise<string> {
  const socket = realHost.connect({ server, token: 'a-token-of-the-trainers' } as LinkStart);
  const error = await new Promise<Error>((resolve) => socket.on('connect_error', resolve));
  socket.disconnect();
  return whyUnreached(error);
}

async function at(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

it.each([
  [
    404,
    'it answered 404 where a Headroom server opens a websocket; check the address and its path; a proxy before it must pass on websockets (HTTP/1.1, with the header Upgrade)',
  ],
  [502, 'it answered 502 where a Headroom server opens a websocket'],
])('an answer %i in the place of a websocket', async (status, why) => {
  const server = createServer((_, response) => void response.writeHead(status).end());
  expect(await whyNot(`http://127.0.0.1:${await at(server)}/headroom`)).toBe(why);
  server.close();
});

it('nothing that listens there', async () => {
  const port = await freePort();
  expect(await whyNot(`http://127.0.0.1:${port}`)).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
});

it.skipIf(!certificate)(
  'a certificate that this machine does not know: the setting that helps is named, for commands too',
  async () => {
    const server = createSecureServer(certificate!, (_, response) => void response.end());
    const address = `https://localhost:${await at(server)}`;
    const help = 'name the file of the certificate that signed it in NODE_EXTRA_CA_CERTS';
    expect(await whyNot(address)).toBe(`self-signed certificate; ${help}`);
    await expect(askServer(address)).rejects.toThrow(`${address} cannot be reached (self-signed certificate): ${help}`);
    server.close();
  },
);

it('each connection says what its clock shows then, so that the server learns of a wrong one', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) });
  const dates: (string | undefined)[] = [];
  const server = createServer();
  const twice = new Promise<void>((resolve) => {
    server.on('upgrade', ({ headers }, connection) => {
      dates.push(headers.date);
      vi.setSystemTime(Date.now() - 3_600_000);
      connection.destroy();
      if (dates.length === 2) resolve();
    });
  });
  const socket = realHost.connect({
    server: `http://127.0.0.1:${await at(server)}`,
    token: 'a-token-of-the-trainers',
  } as LinkStart);
  try {
    await twice;
    expect(dates).toEqual(['Thu, 01 Jan 2026 00:00:00 GMT', 'Wed, 31 Dec 2025 23:00:00 GMT']);
  } finally {
    socket.disconnect();
    server.close();
    vi.useRealTimers();
  }
});
