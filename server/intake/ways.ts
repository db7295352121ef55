/** The protocols by which other programs log their runs. */

const ways = ['http', 'mlflow', 'wandb'] as const;
export type Way = (typeof ways)[number];

/** What a run says opened it. */
export const titles: Record<Way, string> = {
  http: 'HTTP client',
  mlflow: 'MLflow client',
  wandb: 'wandb client',
};

/** The wandb client sends something at least every 30 s. */
const wandbSilentMs = 150_000;

/**
 * How long a program that uses one of these protocols may be silent before its run counts as crashed; undefined: it uses the
 * trainers' link.
 */
export function silenceOf(trainerId: string, silentMs: number): number | undefined {
  const way = wayOf(trainerId);
  return way === null ? undefined : way === 'wandb' ? Math.min(wandbSilentMs, silentMs) : silentMs;
}

export const wayOf = (trainerId: string): Way | null => ways.find((way) => trainerId.startsWith(`${way}.`)) ?? null;
