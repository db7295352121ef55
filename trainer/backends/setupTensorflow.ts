/**
 * `npm run setup:tensorflow [-- --gpu] [--version 2.21.0]`: makes the `tensorflow` backend work where @tensorflow/tfjs-node-gpu's own
 * download cannot run or is too old. It takes libtensorflow from the PyPI wheel, builds tfjs-node's addon against it and checks the result.
 */
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flagsOf, givenTwice } from '~/shared/flags';
import { compileAddon, fetchTfjsNode } from './tensorflow/addon';
import { type Setup, setupFolder } from './tensorflow/paths';
import { run, SetupError } from './tensorflow/shell';
import { downloadWheel, extractWheel, installCuda } from './tensorflow/wheel';

const help = `npm run setup:tensorflow [-- OPTIONS]
Builds the tensorflow backend into .tensorflow/ from the PyPI wheel of TensorFlow. Linux; needs python3 with pip, a C++ compiler, network.
  --gpu          the wheel with CUDA support and the CUDA wheels it names (about 6 GB on disk) instead of the CPU wheel (1.2 GB)
  --version V    another version of the wheel than 2.21.0, the one this was tested with
  --check        only load what is set up and compute with it
  --help         this text`;

async function main(): Promise<void> {
  const { values, tokens } = parseArgs({
    tokens: true,
    options: {
      gpu: { type: 'boolean', default: false },
      version: { type: 'string', default: '2.21.0' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const twice = givenTwice(flagsOf(tokens));
  if (twice !== null) throw new SetupError(twice);
  if (values.help) console.log(help);
  else if (values.check) await check();
  else await setUp({ gpu: values.gpu, version: values.version });
}

/** Everything is built in a separate folder and moved into position when complete, so a failure leaves an earlier set-up unchanged. */
async function setUp(setup: Setup): Promise<void> {
  if (process.platform !== 'linux') {
    throw new SetupError(
      `this set-up works on Linux only, not on ${process.platform}. Try: npm install --no-save @tensorflow/tfjs-node@4.22.0`,
    );
  }
  const building = `${setupFolder.replace(/\/$/, '')}.building`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  try {
    requireSpace(building, setup.gpu ? 10 : 2);
    const [site, packageFolder, work] = ['site', 'package', 'work'].map((name) => join(building, name)) as [
      string,
      string,
      string,
    ];
    const wheelName = setup.gpu ? 'tensorflow' : 'tensorflow-cpu';
    step(1, `fetching the sources of tfjs-node`);
    await fetchTfjsNode(packageFolder);
    step(2, `downloading ${wheelName} ${setup.version} with pip`);
    const wheel = await downloadWheel(wheelName, setup.version, join(work, 'wheel'));
    step(3, 'unpacking libtensorflow');
    const metadata = await extractWheel(wheel, site);
    rmSync(wheel);
    if (setup.gpu) {
      console.log('      installing the CUDA wheels it names');
      await installCuda(metadata, site);
    }
    step(4, 'compiling the addon');
    await compileAddon(packageFolder, site, work);
    rmSync(work, { recursive: true, force: true });
    writeFileSync(join(building, 'setup.json'), `${JSON.stringify(setup)}\n`);
    rmSync(setupFolder, { recursive: true, force: true });
    renameSync(building, setupFolder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  step(5, 'checking it with a computation');
  // In a separate process: a library that does not suit this machine may kill it without an exception.
  await run(process.execPath, [...process.execArgv, process.argv[1]!, '--check'], {
    missing: 'node is gone',
    explain: (stderr) => `the library was built but does not work here: ${stderr.trim()}`,
  });
}

async function check(): Promise<void> {
  const { loadTensorflow } = await import('./tensorflow/index');
  const { selfTest } = await import('./selfTest');
  const backend = await loadTensorflow({});
  await selfTest(backend);
  console.log(`tensorflow works: ${backend.device}`);
}

function requireSpace(folder: string, gigabytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 1e9;
  if (free < gigabytes) throw new SetupError(`needs ${gigabytes} GB of free disk, there are ${free.toFixed(1)} GB`);
}

function step(number: number, what: string): void {
  console.log(`[${number}/5] ${what}`);
}

main().catch((error: Error) => {
  console.error(error instanceof SetupError ? `setup:tensorflow: ${error.message}` : error);
  process.exitCode = 1;
});
