/**
 * `npm run test:mutation -- [--mutate FILE,...]`: changes the pure cores in small ways, one at a time, and names each change that no
 * test notices. Only the tests that hold a core's rules run.
 */
const views = ['shared/viewOfAttempts', 'shared/viewOfRecords', 'shared/viewOfPeople'];
const cores = {
  'shared/analyses.ts': ['shared/analyses', 'server/runs/judge', 'server/runs/judgeBack'],
  'shared/collapse.ts': ['shared/collapse'],
  'shared/columns.ts': ['shared/series'],
  'shared/commandError.ts': ['server/runs/judge', 'server/runs/judgeBack'],
  'shared/conditions.ts': ['shared/conditions'],
  'shared/controlValues.ts': ['shared/controls'],
  'shared/evaluations.ts': ['shared/evaluations'],
  'shared/fold.ts': [...views, 'shared/listRules', 'shared/listOfItems', 'shared/fold', 'shared/notes'],
  'shared/headMatching.ts': ['shared/headMatching'],
  'shared/lossName.ts': ['shared/streams'],
  'shared/lists.ts': ['shared/listRules', 'shared/listOfItems', 'shared/listsBack', ...views],
  'shared/listKeys.ts': ['shared/listRules', 'shared/listOfItems'],
  'shared/recentLists.ts': ['shared/listRules', 'shared/listOfItems', 'shared/listsBack', ...views],
  'shared/notes.ts': ['shared/notes'],
  'shared/notices.ts': ['shared/notices'],
  'shared/pyramid.ts': ['shared/pyramid'],
  'shared/resumed.ts': ['shared/listRules', 'shared/listOfItems', 'shared/listsBack', ...views],
  'shared/revert.ts': ['shared/listRules', 'shared/listsBack', 'server/runs/judge', 'server/runs/judgeBack'],
  'shared/roles.ts': ['server/runs/judge', 'server/runs/judgeBack'],
  'shared/rows.ts': ['shared/series', 'server/runs/log'],
  'shared/runSearch.ts': ['shared/runSearch'],
  'shared/schedule.ts': ['shared/schedule'],
  'shared/series.ts': ['shared/series'],
  'shared/streams.ts': ['shared/streams', 'shared/fold'],
  'shared/summary.ts': ['shared/summary'],
  'server/base/rateLimit.ts': ['server/base/clock'],
  'server/dispatch/queue.ts': ['server/dispatch/queue'],
  'server/export/columnNames.ts': ['server/export/columnNames'],
  'server/export/mergedRows.ts': ['server/export/mergedRows'],
  'server/retention/thin.ts': ['server/retention/thin'],
  'server/runs/branch.ts': ['server/runs/branch'],
  'server/runs/frames.ts': ['server/runs/frames', 'server/runs/framesLimits'],
  'server/runs/frameQueue.ts': ['server/runs/frames', 'server/runs/framesLimits'],
  'server/runs/judge.ts': ['server/runs/judge', 'server/runs/judgeBack'],
  'server/runs/log.ts': ['server/runs/log'],
  'server/runs/endings.ts': [
    'server/runs/room',
    'server/runs/roomCommands',
    'server/runs/roomRules',
    'server/dispatch/opened',
    'server/dispatch/openedParts',
  ],
  'server/runs/room.ts': [
    'server/runs/room',
    'server/runs/roomCommands',
    'server/runs/roomRules',
    'server/dispatch/opened',
    'server/dispatch/openedParts',
    'server/dispatch/trainers',
  ],
  'server/watchdogs/watch.ts': ['server/watchdogs/watch'],
  'server/watchdogs/rules.ts': ['server/watchdogs/watch', 'server/watchdogs/ticks'],
  'server/watchdogs/window.ts': ['server/watchdogs/window'],
};
/** Only when named: their tests work with time, so that a change costs longer. */
const slow = {
  'server/dispatch/assigning.ts': ['server/dispatch/assigning', 'server/dispatch/trainers'],
  'server/dispatch/trainers.ts': [
    'server/dispatch/registry',
    'server/dispatch/assigning',
    'server/dispatch/trainers',
    'server/dispatch/opened',
    'server/dispatch/openedParts',
  ],
};
const all = { ...cores, ...slow };
const chosen = process.argv[process.argv.indexOf('--mutate') + 1]?.split(',').filter((file) => file in all);
const mutate = chosen?.length ? chosen : Object.keys(cores);

export default {
  testRunner: 'inProcess',
  plugins: ['./test/mutation/runner.mjs'],
  mutate,
  testFiles: [...new Set(mutate.flatMap((file) => all[file]))].map((name) => `test/${name}.test.ts`),
  tempDirName: '.build/mutation',
  // What builds and tests left, links among it.
  ignorePatterns: ['.build', '.next', '.headroom'],
  reporters: ['clear-text', 'progress', 'json'],
  jsonReporter: { fileName: '.build/mutation.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  concurrency: 2,
  ignoreStatic: true,
  timeoutMS: 5_000,
  dryRunTimeoutMinutes: 60,
};
