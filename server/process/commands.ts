/** The commands of `headroom`; build.ts bundles each module, headroom.ts starts the requested one. */
export interface Command {
  summary: string;
  /** What follows its name, for its help; null: the command takes flags of its own, and explains them itself. */
  usage: { words: string; more: string } | null;
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
    usage: null,
    source: 'server/process/main.ts',
    bundle: 'server/main',
  },
  trainer: {
    summary: 'a trainer that joins the server at HEADROOM_SERVER with HEADROOM_TRAINER_TOKEN',
    usage: {
      words: '',
      more: 'Also read: HEADROOM_TRAINER_NAME, HEADROOM_BACKEND, HEADROOM_DATA, HEADROOM_RECIPES, HEADROOM_THREADS.',
    },
    source: 'trainer/process/main.ts',
    bundle: 'trainer/main',
  },
  train: {
    summary: 'the training loop without a server',
    usage: null,
    source: 'trainer/process/cli.ts',
    bundle: 'trainer/cli',
  },
  import: {
    summary: 'files and folders of other programs as runs of a running server',
    usage: null,
    source: 'server/import/cli.ts',
    bundle: 'server/importFiles',
  },
  export: {
    summary: 'runs of a running server as files: .headroom, CSV, Parquet, a replay, ...',
    usage: null,
    source: 'server/export/cli.ts',
    bundle: 'server/exportFiles',
  },
  mcp: {
    summary: 'tools for agents (Model Context Protocol), over standard input and output',
    usage: { words: '', more: 'Settings: HEADROOM_SERVER (default: http://127.0.0.1:3000), HEADROOM_TOKEN.' },
    source: 'server/mcp/main.ts',
    bundle: 'server/mcp',
  },
  verify: {
    summary: 'reads everything in a data folder, or in the PostgreSQL at DATABASE_URL, and says what is not as it was written',
    usage: { words: '[FOLDER]', more: 'FOLDER: default HEADROOM_DATA, or .headroom' },
    source: 'server/store/verify.ts',
    bundle: 'server/verify',
  },
  backup: {
    summary: 'copies a data folder, also that of a running server (of PostgreSQL: pg_dump)',
    usage: { words: 'FOLDER [--from DATA] [--no-verify]', more: 'DATA: default HEADROOM_DATA, or .headroom' },
    source: 'server/store/backup.ts',
    bundle: 'server/backup',
  },
  migrate: {
    summary: 'copies a data folder into the PostgreSQL at DATABASE_URL, for several nodes',
    usage: { words: '[FOLDER]', more: 'FOLDER: default HEADROOM_DATA, or .headroom' },
    source: 'server/cluster/migrate.ts',
    bundle: 'server/migrate',
  },
  'verify-audit': {
    summary: 'checks the hash chain of the audit log',
    usage: { words: '[FILE]', more: 'FILE: default audit.jsonl in HEADROOM_DATA, or in .headroom' },
    source: 'server/audit/verify.ts',
    bundle: 'server/verifyAudit',
  },
};
