/** A relay of viewers.bench.ts, in a process of its own: `fork(…, [leader's address])`. Says its address, and on request what it used. */
import { startRelayNode } from '~/server/cluster/relayNode';

const leader = process.argv[2]!;
const relay = await startRelayNode({ leader, host: '127.0.0.1', port: 0, basePath: '', open: true, routes: () => [] });
let before = process.cpuUsage();
process.on('message', (which) => {
  const { user, system } = process.cpuUsage(before);
  if (which === 'begin') before = process.cpuUsage();
  process.send!({ ms: (user + system) / 1000 });
});
process.on('disconnect', () => process.exit(0));
process.send!({ url: `http://127.0.0.1:${relay.port}` });
