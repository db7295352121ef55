/** A real nginx in front of a server: an own folder, an own port, one worker process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { ownFolder } from './folder';
import { freePort } from './product';

const program = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find(existsSync);

/** null, or why tests with nginx cannot run here. */
export const withoutNginx = program ? null : 'nginx is not installed (Debian: nginx-light)';

/** What server/README.md tells an operator to write. */
export const documentedLocation = (target: string, at = '/', pathAtEnd = ''): string => {
  const readme = readFileSync(new URL('../../server/README.md', import.meta.url), 'utf8');
  const block = /```nginx\n(location [\s\S]*?)```/.exec(readme)![1]!;
  return block.replace('location /headroom/', `location ${at}`).replace('http://127.0.0.1:3000', target + pathAtEnd);
};

/**
 * @param server lines of nginx's `server` block, e.g. a location
 * @returns origin of the proxy; log: what nginx has written to its error log
 */
export async function startNginx(server: string): Promise<{ origin: string; log(): string; close(): Promise<void> }> {
  const folder = ownFolder();
  // The worker of a master that is root runs as another user.
  chmodSync(folder.path, 0o755);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${folder.path}/${of};`);
  writeFileSync(
    path.join(folder.path, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder.path}/pid; error_log ${folder.path}/error.log info;
    events { worker_connections 512; }
    http { access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port}; ${server} }
    }`,
  );
  const child: ChildProcess = spawn(program!, ['-p', folder.path, '-e', `${folder.path}/error.log`, '-c', 'nginx.conf'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const log = () => readFileSync(path.join(folder.path, 'error.log'), 'utf8');
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    log,
    async close() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      folder.remove();
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
