import type { ReactNode } from 'react';

const tones = {
  dim: { className: 'text-xs text-dim' },
  warn: { className: 'text-xs text-warn', role: 'status' },
  bad: { className: 'text-xs text-bad', role: 'alert' },
} as const;

/** A line of text about what is shown; a warning or an error is read aloud when it appears. */
export const Remark = ({ tone = 'dim', children }: { tone?: keyof typeof tones; children: ReactNode }) => (
  <p {...tones[tone]}>{children}</p>
);

/** Why what an open dialog offers cannot be done any more. */
export const NoLonger = ({ why }: { why: string | null }) => why !== null && <Remark tone="bad">Not possible now: {why}.</Remark>;
