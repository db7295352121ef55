/** Nodes on one PostgreSQL, as processes that a test kills and pauses, behind one address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './product';
import { root } from './root';

export interface ClusterNode {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  child: ChildProcess;
  /** Everything that it printed. */
  readonly said: string[];
  /** Resolves with the first line, said after `from` lines, that begins so. */
  says(start: string, from?: number): Promise<string>;
}

/** @param databaseUrl where all nodes, or each one, reach PostgreSQL */
export async function startNodes(databaseUrl: string | ((node: number) => string), folder: string, count: number) {
  const nodes: ClusterNode[] = [];
  const waiting = new Set<() => void>();

  function begin(node: ClusterNode): void {
    const url = typeof databaseUrl === 'string' ? databaseUrl : databaseUrl(nodes.indexOf(node));
    const args = ['--import', 'tsx', 'test/support/clusterNode.ts', url, node.folder, String(node.port)];
    node.child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: node.child.stdout! }).on('line', (line) => {
      node.said.push(line);
      for (const look of [...waiting]) look();
    });
  }

  function until<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${what}: ${JSON.stringify(nodes.map((n) => n.said))}`)), 120_000);
      const look = () => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(look);
        clearTimeout(late);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  }

  for (let i = 0; i < count; i++) {
    const port = await freePort();
    const said: string[] = [];
    const node = {
      port,
      url: `http://127.0.0.1:${port}`,
      folder: path.join(folder, `node${i}`),
      said,
      says: (start: string, from = 0) =>
        until(() => said.slice(from).find((line) => line.startsWith(start)), `node ${i} never said "${start}"`),
    } as unknown as ClusterNode;
    nodes.push(node);
    begin(node);
  }
  await Promise.all(nodes.map((node) => node.says('listens')));

  return {
    nodes,
    begin,
    /** The node of these that leads, once one does. */
    leads: (of: readonly ClusterNode[]) =>
      until(() => of.find(({ said }) => said.some((line) => line.startsWith('leads '))), 'no node leads'),
    async kill(node: ClusterNode): Promise<void> {
      const gone = once(node.child, 'exit');
      node.child.kill('SIGKILL');
      await gone;
      node.said.length = 0;
    },
    async close(): Promise<void> {
      for (const { child } of nodes) child.kill('SIGKILL');
      await Promise.all(nodes.map(({ child }) => (child.exitCode ?? child.signalCode) !== null || once(child, 'exit')));
    },
  };
}

/** One address for several ports: a new connection goes to the next of them that takes it. */
export async function startBalancer(ports: readonly number[]): Promise<{ url: string; close(): void }> {
  let turn = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.pause();
    const attempt = (left: number): void => {
      const port = ports[turn++ % ports.length]!;
      const node = connect(port, '127.0.0.1');
      sockets.add(node);
      node.on('error', () => (node.connecting && left > 1 ? attempt(left - 1) : client.destroy()));
      node.on('connect', () => {
        client.pipe(node).pipe(client);
        node.on('close', () => client.destroy());
        client.on('close', () => node.destroy());
      });
    };
    attempt(ports.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A network to a port that can be cut: nothing passes until it is mended, and then what was under way arrives. */
export async function startNetwork(port: number) {
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      ends.add(from);
      from.on('error', () => {});
      from.on('data', (bytes) => void (!to.destroyed && to.write(bytes)));
      from.on('close', () => {
        ends.delete(from);
        to.destroy();
      });
      if (isCut) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      for (const end of ends) end.pause();
    },
    mend() {
      isCut = false;
      for (const end of ends) end.resume();
    },
    close() {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}
