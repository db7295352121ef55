/** The commands of `headroom`; build.ts bundles each module, headroom.ts starts the requested one. */
export interface Command {
  summary: string;
  /**
   * Path from the repository root: a module that exports `main(flags)` (resolves to the exit code), or runs on import and reads
   * process.argv.
   */
  source: string;
  /** Its bundle: a path from .build/ without the extension. */
  bundle: string;
}

export const commands: Record<string, Command> = {
  start: {
    summary: 'the dashboard, the server and one trainer (what no command means)',
    source: 'server/process/main.ts',
    bundle: 'server/main',
  },
  trainer: {
    summary: 'a trainer that joins the server at HEADROOM_SERVER with HEADROOM_TRAINER_TOKEN',
    source: 'trainer/process/main.ts',
    bundle: 'trainer/main',
  },
  train: { summary: 'the training loop without a server', source: 'trainer/process/cli.ts', bundle: 'trainer/cli' },
  import: {
    summary: 'files and folders of other programs as runs of a running server',
    source: 'server/import/cli.ts',
    bundle: 'server/importFiles',
  },
  mcp: { summary: 'tools for agents (Model Context Protocol)', source: 'server/mcp/main.ts', bundle: 'server/mcp' },
  verify: {
    summary: 'reads everything in a data folder, or in the PostgreSQL at DATABASE_URL, and says what is not as it was written',
    source: 'server/store/verify.ts',
    bundle: 'server/verify',
  },
  backup: {
    summary: 'copies a data folder, also that of a running server (of PostgreSQL: pg_dump)',
    source: 'server/store/backup.ts',
    bundle: 'server/backup',
  },
  migrate: {
    summary: 'copies a data folder into the PostgreSQL at DATABASE_URL, for several nodes',
    source: 'server/cluster/migrate.ts',
    bundle: 'server/migrate',
  },
  'verify-audit': {
    summary: 'checks the hash chain of the audit log',
    source: 'server/audit/verify.ts',
    bundle: 'server/verifyAudit',
  },
};
