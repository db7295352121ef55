import { nanoid } from 'nanoid';
import { useState } from 'react';
import { Button } from '~/app/_components/Button';
import { bytes, count } from '~/app/_components/format';
import { Progress } from '~/app/_components/Progress';
import { atBase } from '~/app/_live/base';
import { toast } from '~/app/_live/toast';
import { api, describeError } from '~/app/_trpc/client';
import type { JobState } from '~/shared/jobs';

const everyMs = 300;
/** Longest time from the request until the server knows the job. */
const beginsWithinMs = 20_000;

/** Downloads a file through the browser, and shows the server's progress. */
export function download(runId: string, query: string, what: string): void {
  const id = nanoid();
  const link = document.createElement('a');
  link.href = atBase(`/api/runs/${runId}/export?${query}&job=${id}`);
  link.download = '';
  link.click();
  followJob(id, what);
}

/** Shows an export's progress with a button to cancel it, until it ends. One that ends immediately is not shown. */
function followJob(id: string, what: string): void {
  const began = performance.now();
  const key = `job-${id}`;
  let shown = false;
  let failed = false;
  const cancel = () => void api.jobs.cancel.mutate({ id }).catch(() => {});
  const over = (say: () => void) => {
    if (shown) toast.dismiss(key);
    say();
  };
  const look = async (): Promise<void> => {
    // While the server does not answer, the job's last state stays; where there is none yet, no file comes.
    const job = await api.jobs.get.query({ id }).catch((error: unknown) => {
      if (!shown && !failed) toast.error(`${what}: ${describeError(error).message}`);
      failed = true;
    });
    if (job === null && shown) return over(() => void toast.error(`${what}: the server ended meanwhile; export it again`));
    if (!job && !shown && performance.now() - began > beginsWithinMs) return;
    if (job?.status === 'done') return over(() => void (shown && toast.success(`${what}: done`)));
    if (job?.status === 'canceled') return over(() => void toast(`${what}: canceled`));
    if (job?.status === 'failed') return over(() => void toast.error(`${what}: ${job.message}`, { duration: 10_000 }));
    if (job) {
      shown = true;
      toast(<JobLine what={what} job={job} onCancel={cancel} />, {
        id: key,
        duration: Number.POSITIVE_INFINITY,
        dismissible: false,
      });
    }
    setTimeout(() => void look(), everyMs);
  };
  setTimeout(() => void look(), everyMs);
}

function JobLine({ what, job, onCancel }: { what: string; job: JobState; onCancel(): void }) {
  const [asked, setAsked] = useState(false);
  const { doing, done, total, unit } = job;
  const words = (n: number) => (unit === 'bytes' ? bytes(n) : count(n));
  const far = total > 0 ? `${words(Math.min(done, total))} of ${words(total)}${unit === 'bytes' ? '' : ` ${unit}`}` : words(done);
  return (
    <div className="w-72 max-w-full space-y-1">
      <p className="truncate font-medium" title={what}>
        {what}
      </p>
      <Progress step={done} total={total} label={what} words={`${doing}: ${far}`} className="h-1 rounded" />
      <div className="flex items-end justify-between gap-2 text-dim">
        <span className="min-w-0 text-2xs">
          <span className="block">{doing}</span>
          <span className="font-mono">{far}</span>
        </span>
        <Button
          size="small"
          of={what}
          disabled={asked}
          onClick={() => {
            setAsked(true);
            onCancel();
          }}
        >
          Cancel
        </Button>
      </div>
    </div>
  );
}
