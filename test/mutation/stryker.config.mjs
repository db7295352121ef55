/** `npm run test:mutation -- [--mutate FILE]`: changes the pure cores in small ways, one at a time, and names each change that no test notices. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: true },
  mutate: [
    'shared/{fold,lists,evaluations,collapse,revert,pyramid}.ts',
    'server/runs/{log,room,frames,judge,revert,branch}.ts',
    'server/dispatch/{queue,trainers,assigning}.ts',
  ],
  tempDirName: '.build/mutation',
  reporters: ['clear-text', 'progress', 'json'],
  jsonReporter: { fileName: '.build/mutation.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  concurrency: 2,
  ignoreStatic: true,
  timeoutMS: 20_000,
  dryRunTimeoutMinutes: 60,
};
