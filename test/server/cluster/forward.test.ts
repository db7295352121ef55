/** What a node that stands by passes on: the leader judges it as if it had come through a proxy. */
import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Forwarding, type Target } from '~/server/cluster/forward';
import { closeHttp, listen } from '~/server/web/listen';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';

let leader: TestApp;
let target: Target;
let url = '';
const forwarding = new Forwarding();
const front = createServer((request, response) => forwarding.request(request, response, target));
front.on('upgrade', (request, socket, head) => forwarding.upgrade(request, socket, head, target));
beforeAll(async () => {
  leader = await startApp({ store: openMemoryStore(), loginRequired: true });
  target = { address: leader.url };
  url = `http://127.0.0.1:${await listen(front, '127.0.0.1', 0)}`;
});
afterAll(async () => {
  await leader.close();
  await closeHttp(front);
});

/** A POST as a browser behind a proxy with TLS sends it. */
const join = (origin: string) =>
  new Promise<{ status: number; cookie: string; text: string }>((resolve, reject) => {
    const invite = new URL(leader.url + leader.adminLink).searchParams.get('invite');
    const headers = {
      host: 'lab.example',
      origin,
      'x-forwarded-proto': 'https',
      'content-type': 'application/json',
      connection: 'keep-alive, x-of-this-connection',
      'x-of-this-connection': '1',
    };
    const sent = request(`${url}/api/join`, { method: 'POST', headers }, async (answer) => {
      let text = '';
      for await (const chunk of answer) text += chunk;
      resolve({ status: answer.statusCode!, cookie: String(answer.headers['set-cookie'] ?? ''), text });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ invite, name: 'Ada' }));
  });

it('a page of another site may not write, one of this site may; its cookie is Secure behind a proxy with TLS', async () => {
  const foreign = await join('https://evil.example');
  expect([foreign.status, foreign.cookie]).toEqual([403, '']);
  const own = await join('https://lab.example');
  expect([own.status, JSON.parse(own.text).person.name]).toEqual([200, 'Ada']);
  expect(own.cookie).toMatch(/^headroom=.*; HttpOnly; Secure; SameSite=Lax$/);
});

it('without a login nothing is shown; with the token of the trainers, blobs are streamed both ways', async () => {
  expect((await fetch(`${url}/api/runs/nosuch/export`)).status).toBe(401);
  const bytes = Buffer.alloc(3_000_000, 'headroom');
  const hash = createHash('sha256').update(bytes).digest('hex');
  const headers = { authorization: `Bearer ${leader.trainerToken}` };
  const put = await fetch(`${url}/api/blobs/${hash}`, { method: 'PUT', headers, body: bytes });
  expect([put.status, await put.json()]).toEqual([201, { hash, bytes: bytes.length }]);
  const got = await fetch(`${url}/api/blobs/${hash}`, { headers: { ...headers, range: 'bytes=8-23' } });
  expect([got.status, await got.text()]).toEqual([206, 'headroomheadroom']);
});

it('sockets pass, and end when the leader changes', async () => {
  const trainer = await TrainerClient.connect({ url, token: leader.trainerToken });
  const { runId } = await leader.hub.create({ id: 'x', name: 'X', role: 'admin' }, publishedSetup('reverse'));
  trainer.ready();
  expect((await trainer.assigned()).runId).toBe(runId);
  await expect(TestViewer.connect(url)).rejects.toThrow('You are not signed in.');
  const ended = new Promise((resolve) => trainer.socket.once('disconnect', resolve));
  forwarding.cut();
  expect(await ended).toBe('transport close');
});

it('while nobody leads, requests get 503 and when to try again, and websockets are refused; nothing is forwarded twice', async () => {
  const answer = async (headers = {}) => {
    const got = await fetch(`${url}/healthz`, { headers });
    return [got.status, got.headers.get('retry-after'), await got.text()];
  };
  expect(await answer({ 'x-headroom-forwarded': '1' })).toEqual([503, '1', 'this node does not lead; try again in a moment\n']);
  target = { address: 'http://127.0.0.1:1' };
  expect(await answer()).toEqual([503, '1', 'the leading node at http://127.0.0.1:1 does not answer; try again in a moment\n']);
  target = { problem: 'no node leads at this moment' };
  expect(await answer()).toEqual([503, '1', 'no node leads at this moment; try again in a moment\n']);
  const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /api/trainers/ HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text).toBe('HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
});
