/** Definitions of the terms used on the pages: one entry per term, in sentences that need no other page. */
export const terms = {
  run: [
    'Run',
    'One training, from its first step to its last: what it was started with, every number it logged, and everything people did to it.',
  ],
  step: ['Step', 'One update of the parameters. Steps count from 0; “at step 100” means after 100 updates.'],
  epoch: ['Epoch', 'One pass over all training examples.'],
  recipe: [
    'Recipe',
    'Something that a trainer can train: data, model and the settings that can be chosen. Trainers declare their recipes when they connect.',
  ],
  preset: ['Preset', 'Settings of a recipe that are known to work together. Choose one, then change what you like.'],
  project: ['Project', 'A name for runs of one undertaking. The list of runs can be grouped by it.'],
  group: ['Group', 'A name for runs that belong together, such as the same experiment with other seeds.'],
  tag: ['Tag', 'A word that you attach to runs to find them again. A run can have many.'],
  sweep: [
    'Sweep',
    'Several runs that differ in the settings you gave several values: one run for each combination, in one group, trained one after the other.',
  ],
  family: ['Family', 'A run, the runs that branched from it, and those that branched from these.'],
  trainer: [
    'Trainer',
    'A process that trains. It connects to the server, waits for runs, and reports every step. More trainers can connect from other machines.',
  ],
  queue: ['Queue', 'Runs that wait for a trainer. The first one starts as soon as a trainer that has its recipe is free.'],
  makeRoom: [
    'Make room',
    'The run that holds the trainer saves a checkpoint and goes back to the queue. It goes on later from that checkpoint, with the same numbers.',
  ],
  series: ['Series', 'One number that a run logs over its steps, such as the loss.'],
  mainMetric: [
    'Main metric',
    'The number that says how good a run is. The recipe or the script declares it, and whether lower or higher is better.',
  ],
  loss: ['Loss', 'What training makes smaller: how far the predictions are from the right answers.'],
  accuracy: ['Accuracy', 'The share of predictions that are right.'],
  gradientNorm: [
    'Gradient norm',
    'The length (L2 norm) of all gradients of a step taken together, before clipping. A jump in it often comes before a jump in the loss.',
  ],
  clipping: [
    'Gradient clipping',
    'If the gradient norm is above the clip value, all gradients are scaled down by one factor so that the norm equals the clip value.',
  ],
  learningRate: [
    'Learning rate',
    'How far the parameters move along the gradient in one step. A schedule may change it from step to step: the value in effect can differ from the one that was set.',
  ],
  weightDecay: ['Weight decay', 'Pulls every parameter a little towards 0 in each step.'],
  warmup: ['Warm-up', 'The first steps, in which the learning rate rises from 0 to its full value.'],
  seed: [
    'Seed',
    'The number from which everything random is drawn. The same settings with the same seed on the same backend give the same numbers.',
  ],
  backend: [
    'Backend',
    'The software that does the arithmetic: for example wasm on the processor, or webgpu on the graphics card.',
  ],
  evaluation: ['Evaluation', 'The model is run on examples that it does not train on, and the results are logged.'],
  split: ['Split', 'A set of examples: training, validation or test.'],
  best: ['Best', 'The best evaluation so far by the main metric. The newest model may be worse or better.'],
  checkpoint: [
    'Checkpoint',
    'Everything that is needed to go on from a step, saved as a file: parameters, optimizer state and position in the data.',
  ],
  snapshot: ['Snapshot', 'Attention and predictions for a few fixed examples, recorded at one step.'],
  attention: [
    'Attention',
    'How much each output position of a layer takes from each input position. The weights of a row add up to 1.',
  ],
  head: ['Head', 'One of several attention maps that a layer computes side by side. Heads are counted from 1.'],
  layer: ['Layer', 'One block of the network. Layers are counted from 1, from the input.'],
  signal: [
    'Signal',
    'One number that sums up a head at a step, such as the entropy of its attention. Each signal states its meaning and range.',
  ],
  drift: [
    'Change since last snapshot',
    'How much a head’s attention differs from the snapshot before, from 0 (the same) to 1 (nothing in common).',
  ],
  mirror: [
    'Mirror weight',
    'The share of attention that goes from each position to its mirror position. In a run that learns to reverse, a head that has learned the task has nearly 1.',
  ],
  branch: ['Branch', 'A new run that goes on from a checkpoint of this one. This run stays as it is.'],
  revert: [
    'Revert',
    'Takes the run back to one of its checkpoints. The steps after it are no longer part of the run; the log keeps that they happened.',
  ],
  withoutChange: [
    'Run again without this change',
    'Branches from the checkpoint before a change and repeats everything later except this change: what if we had not done it?',
  ],
  controlLock: ['Control lock', 'While somebody holds it, only that person can steer the run. Others can ask for it.'],
  approval: ['Approval', 'A change that waits until a second operator says yes.'],
  watchdog: [
    'Watchdog',
    'A rule that the server checks at every step, such as “the loss is not a number”. It can raise an alert, pause the run or call a webhook.',
  ],
  alert: ['Alert', 'Something that went wrong or looks wrong, with the step at which it was seen.'],
  smoothing: [
    'Smoothing',
    'Shows a moving average beside the raw values. The weight says over about how many logged rows it averages.',
  ],
  ignoreOutliers: [
    'Ignore outliers',
    'The vertical axis shows where most values lie; values outside are drawn at the edge and counted.',
  ],
  equalLoss: [
    'Equal loss',
    'Each run is shifted so that the first step at which its smoothed loss reaches one value stands at the same place.',
  ],
  asOf: [
    'As of',
    'The value belongs to an earlier step than the one you look at: it is the newest that was recorded up to there.',
  ],
  conflict: ['Conflict', 'Somebody changed the value after you last saw it. Nothing is overwritten unless you say so.'],
  scheduled: ['Scheduled', 'The change waits for a condition, such as a step or a value of the loss.'],
  replay: ['Replay', 'A run as one file that plays in a browser without a server.'],
  auditLog: [
    'Audit log',
    'Who did what and when. Each row contains a hash of the row before, so that a changed or removed row is noticed.',
  ],
  role: [
    'Roles',
    'A viewer watches and comments. An operator also starts and steers runs. An admin also deletes runs and manages people, links and tokens.',
  ],
  invite: ['Invite link', 'A link that lets people join with a role, for a number of uses and a time.'],
  token: ['Token', 'A secret with which a script or a trainer on another machine signs in. It is shown once.'],
} as const satisfies Record<string, readonly [title: string, text: string]>;

export type Term = keyof typeof terms;
