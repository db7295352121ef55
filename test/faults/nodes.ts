/**
 * Several nodes on one PostgreSQL, behind one address, while our trainer and a script log and people watch: the leading node is killed,
 * stopped and continued later, cut off from PostgreSQL, and PostgreSQL restarts, in an order drawn from the seed.
 */
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { connect } from '~/server/mcp/client';
import { type ClusterNode, startBalancer, startNetwork, startNodes } from '~/test/support/cluster';
import { again, EndlessTrainer, SpoolingTrainer, truth, watchOn } from '~/test/support/clusterClients';
import { ownFolder } from '~/test/support/folder';
import { startPostgres } from '~/test/support/postgres';
import { publishedSetup } from '~/test/support/setups';
import { row, startValues } from '~/test/support/synthetic';
import type { TestViewer } from '~/test/support/viewer';
import { foldAll } from '~/test/support/views';
import { drawing } from './faults';

export const nodeFaults = ['killed', 'stopped', 'cut off', 'postgres'] as const;
type NodeFault = (typeof nodeFaults)[number];

const words: Record<NodeFault, string> = {
  killed: 'the leading node was killed',
  stopped: 'the leading node was stopped and continued',
  'cut off': 'the leading node was cut off from PostgreSQL',
  postgres: 'PostgreSQL was restarted',
};

const setup = publishedSetup('reverse', { probeSize: 1 });
const values = startValues(setup);
const lost = 'ends: another node leads now: this one may not write any more';
const drainMs = 120_000;

/** @returns rows of both runs: all are in PostgreSQL, each once, and every viewer has seen the whole log */
export async function disturbNodes(seed: number, rounds: number): Promise<{ faults: number; rows: number; viewers: number }> {
  const draw = drawing(seed);
  const check = (holds: boolean, rule: string) => {
    if (!holds) throw new Error(`seed ${seed}: ${rule}`);
  };
  const closers: (() => unknown)[] = [];
  try {
    const folder = ownFolder();
    closers.push(() => folder.remove());
    const postgres = await startPostgres();
    closers.push(() => postgres.close());
    const databaseUrl = await postgres.database();
    const { port } = new URL(databaseUrl);
    const networks = [await startNetwork(Number(port)), await startNetwork(Number(port))];
    closers.push(() => networks.map((network) => network.close()));
    const urlOf = (node: number) => databaseUrl.replace(`:${port}/`, `:${networks[node]!.port}/`);
    const cluster = await startNodes(urlOf, folder.path, networks.length);
    closers.push(cluster.close);
    const balancer = await startBalancer(cluster.nodes.map((node) => node.port));
    closers.push(balancer.close);
    let leader = await cluster.leads(cluster.nodes);
    const other = () => cluster.nodes.find((node) => node !== leader)!;
    await other().says('stands by');
    const token = leader.said.find((line) => line.startsWith('leads '))!.split(' ')[1]!;

    const address = { url: balancer.url, token };
    const trainer = new SpoolingTrainer(address, folder.path);
    closers.push(() => trainer.end(0));
    await trainer.begin();
    const training = trainer.run();
    const script = new EndlessTrainer(address, `script of seed ${seed}`);
    await again(() => script.begin());
    const sending = script.run();
    closers.push(() => script.end());
    const seen = [trainer, script, trainer, script].map(({ runId }) => ({
      runId,
      view: null as TestViewer['view'],
      ended: false,
    }));
    const watching = seen.map((of) => watchOn(balancer.url, of.runId, of));
    closers.push(() => {
      for (const of of seen) of.ended = true;
    });

    /** An old leader that finds that it may not write any more ends, and is started again. */
    async function startAgain(old: ClusterNode): Promise<void> {
      await old.says('ends');
      if (old.child.exitCode === null) await once(old.child, 'exit');
      check(old.child.exitCode === 1, `a replaced leader ended with ${old.child.exitCode}`);
      check(old.said.includes(lost), `a replaced leader said ${JSON.stringify(old.said)}`);
      begin(old);
    }
    function begin(node: ClusterNode): void {
      node.said.length = 0;
      cluster.begin(node);
    }

    const apply: Record<NodeFault, () => Promise<void>> = {
      async killed() {
        const old = leader;
        await cluster.kill(old);
        leader = await cluster.leads([other()]);
        begin(old);
      },
      async stopped() {
        const old = leader;
        old.child.kill('SIGSTOP');
        leader = await cluster.leads([other()]);
        // The old leader finds this in its sockets when it goes on.
        const late = connect({ url: old.url })
          .runs.create.mutate({ setup })
          .then(
            () => true,
            () => false,
          );
        old.child.kill('SIGCONT');
        check(!(await late), 'a leader that was replaced while it was stopped made a run');
        await startAgain(old);
      },
      async 'cut off'() {
        const old = leader;
        const network = networks[cluster.nodes.indexOf(old)]!;
        network.cut();
        leader = await cluster.leads([other()]);
        // Writes of the old leader that were under way arrive now.
        network.mend();
        await startAgain(old);
      },
      async postgres() {
        await postgres.stop();
        await leader.says('warning: PostgreSQL does not answer');
        const { acknowledged } = script;
        const { made } = trainer;
        await trainer.makes(made + 200);
        check(script.acknowledged === acknowledged, 'rows were acknowledged while PostgreSQL was away');
        await postgres.start();
      },
    };
    let faults = 0;
    for (let round = 0; round < rounds; round++) {
      const left = [...nodeFaults];
      while (left.length > 0) {
        const [fault] = left.splice(draw(left.length), 1);
        await script.more(50 + draw(300));
        const since = performance.now();
        await apply[fault!]();
        faults++;
        await script.more(50);
        console.log(`seed ${seed}: ${words[fault!]}; rows came on after ${Math.round(performance.now() - since)} ms`);
        await other().says('stands by');
      }
    }

    script.end();
    await sending;
    const unsent = await trainer.end(drainMs);
    await training;
    check(unsent === 0, `our trainer still has ${unsent} events that no server acknowledged, and says: ${trainer.said}`);
    let rows = 0;
    for (const { runId, most, least } of [
      { runId: trainer.runId, most: trainer.made, least: trainer.made },
      { runId: script.runId, most: Number.POSITIVE_INFINITY, least: script.acknowledged },
    ]) {
      const kept = await truth(databaseUrl, folder.path, runId);
      const { length } = kept.rows.steps;
      check(length >= least && length <= most, `run ${runId}: ${least} rows were acknowledged, ${length} are kept`);
      const width = kept.rows.values.length / length;
      for (const [i, step] of kept.rows.steps.entries()) {
        check(step === i, `run ${runId}: row ${i} has step ${step}`);
        const expected = row(step, values);
        for (let c = 0; c < width; c++)
          check(Object.is(kept.rows.values[i * width + c], expected[c]), `run ${runId}: row ${i} has another number`);
      }
      check(kept.runs.length === 2, `there are the runs ${kept.runs.join(', ')}`);
      rows += length;
      for (const of of seen.filter((s) => s.runId === runId)) {
        let whole = foldAll(runId, kept.entries);
        await again(async () => {
          if (of.view?.seq === whole.seq) return;
          // What the end of a connection says in the log may have come meanwhile.
          whole = foldAll(runId, (await truth(databaseUrl, folder.path, runId)).entries);
          if (of.view?.seq !== whole.seq) throw new Error(`seed ${seed}: a viewer is at seq ${of.view?.seq} of ${whole.seq}`);
        });
        check(isDeepStrictEqual(of.view, whole), `a viewer of ${runId} does not see the fold of the log`);
        of.ended = true;
      }
    }
    await cluster.close();
    await Promise.allSettled(watching);
    return { faults, rows, viewers: seen.length };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
