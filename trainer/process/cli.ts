/** `npm run train`: the same training loop, without a server. */
import { readFile, rm } from 'node:fs/promises';
import { pathProblem } from '~/shared/pathProblem';
import { openBackend } from '~/trainer/backends';
import { writeFileAtomically } from '~/trainer/base/atomicFile';
import type { RunConfig } from '~/trainer/base/config';
import { configOf, FlagError, type Flags, helpText, parseFlags, recipeOf } from '~/trainer/headless/flags';
import { LocalCommands } from '~/trainer/headless/localCommands';
import { Progress } from '~/trainer/headless/progress';
import { ResultKeeper, toJson, toText } from '~/trainer/headless/result';
import { CheckpointError, describeCheckpoint } from '~/trainer/nn/checkpoint';
import type { Recipe } from '~/trainer/recipes/define';
import { loadRecipes } from '~/trainer/recipes/load';
import { type TrainOptions, train } from '~/trainer/run/train';

/** Exit codes: 0 finished, 1 failed, 2 invalid flag or file, 130 interrupted. */
async function main(args: string[]): Promise<number> {
  let flags: Flags;
  let config: RunConfig;
  let resume: TrainOptions['resume'] = null;
  let startFrom: Uint8Array | null = null;
  let recipe: Recipe;
  try {
    flags = parseFlags(args, process.env);
    const recipes = await loadRecipes(process.env.HEADROOM_RECIPES);
    if (flags.help) {
      console.log(helpText(recipes, flags.recipe === null ? null : recipeOf(flags, null, recipes)));
      return 0;
    }
    let base: { recipe: string; config: RunConfig } | null = null;
    if (flags.resume !== null) {
      const checkpoint = await readFlagFile('--resume', flags.resume);
      const described = describedIn(flags.resume, checkpoint);
      base = described;
      resume = { checkpoint, step: described.step, replay: [] };
    }
    if (flags.startFrom !== null) startFrom = await readFlagFile('--start-from', flags.startFrom);
    if (resume && startFrom)
      throw new FlagError('--start-from: a run that is resumed has its parameters; leave out one of the two');
    recipe = recipeOf(flags, base?.recipe ?? null, recipes);
    const read = configOf(flags, recipe, base?.config ?? null);
    config = read.config;
    if (resume) resume.given = read.given;
    if (flags.maxSteps !== null && flags.maxSteps <= (resume?.step ?? 0))
      throw new FlagError(`--max-steps: ${flags.maxSteps} is reached; give a step after ${resume?.step ?? 0}`);
    if (flags.out !== null) await probeOut(flags.out);
  } catch (error) {
    if (!(error instanceof FlagError || error instanceof CheckpointError)) throw error;
    console.error(error instanceof CheckpointError ? `--resume: ${error.message}` : error.message);
    return 2;
  }

  const progress = new Progress(process.stderr, () => performance.now());
  const backend = await openBackend(config.backend, {
    ...(flags.threads !== null && { threads: flags.threads }),
    log: (line) => progress.line(line),
  });
  const commands = new LocalCommands();
  if (flags.maxSteps !== null) commands.act('stop', '--max-steps', flags.maxSteps);
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (interrupted) process.exit(130);
      interrupted = true;
      commands.act('stop', signal);
    });
  const keeper = new ResultKeeper(() => performance.now());
  let diverged = false;
  for await (const { event, blob } of train({
    recipe,
    config,
    backend,
    commands,
    resume,
    startFrom,
    dataFolder: flags.dataFolder,
  })) {
    progress.show(event);
    keeper.add(event);
    if (event.type === 'checkpoint' && flags.out !== null) await writeOut(flags.out, blob!);
    if (event.type === 'status' && event.status === 'paused') {
      // Nobody can look at the run and resume it here.
      diverged = true;
      commands.act('stop', 'headless run');
    }
  }
  progress.end();
  const outcome = keeper.outcome();
  console.log(toText(outcome));
  if (flags.json) console.log(toJson(outcome));
  if (interrupted) return 130;
  return outcome.status === 'failed' || diverged ? 1 : 0;
}

/** @throws CheckpointError that names the file */
function describedIn(file: string, checkpoint: Uint8Array): ReturnType<typeof describeCheckpoint> {
  try {
    return describeCheckpoint(checkpoint);
  } catch (error) {
    throw error instanceof CheckpointError ? new CheckpointError(`${file}: ${error.message}`, { cause: error }) : error;
  }
}

async function readFlagFile(flag: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new FlagError(`${flag}: ${path}: ${pathProblem(error, 'read')}`);
  }
}

/** @throws FlagError that names the file */
async function writeOut(path: string, bytes: Uint8Array, to = path): Promise<void> {
  await writeFileAtomically(to, bytes).catch((error) => {
    throw new FlagError(`--out: ${path}: ${pathProblem(error, 'write')}`);
  });
}

/** Reports a missing or read-only folder at the start, not after an hour of training. */
async function probeOut(path: string): Promise<void> {
  const probe = `${path}.writable`;
  await writeOut(path, new Uint8Array(), probe);
  await rm(probe);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
