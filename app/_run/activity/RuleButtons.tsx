import { HardDrive, type LucideIcon, ShieldAlert } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Modal } from '~/app/_components/Modal';
import { useRun, useView } from '~/app/_live/useRun';
import { DiskSpaceForm } from '~/app/_team/DiskSpace';
import { WatchdogForm } from '~/app/_team/WatchdogRules';

/** The rules for this run: what is watched for, and how much of the disk it may take. */
export function RuleButtons() {
  const runId = useView((v) => v.runId, '');
  const role = useRun((r) => r.you?.role);
  return (
    <>
      <RuleButton
        icon={ShieldAlert}
        name="Watchdogs"
        title="Watchdogs of this run"
        hint="What is watched for in this run"
        help="Until they are saved here, the rules of all runs (Team page) apply."
      >
        <WatchdogForm editable={role === 'operator' || role === 'admin'} runId={runId} />
      </RuleButton>
      <RuleButton
        icon={HardDrive}
        name="Disk"
        title="Disk space of this run"
        hint="What its snapshots and checkpoints take, and may take"
      >
        <DiskSpaceForm editable={role === 'admin'} runId={runId} />
      </RuleButton>
    </>
  );
}

function RuleButton({
  icon: Icon,
  name,
  title,
  hint,
  help,
  children,
}: {
  icon: LucideIcon;
  name: string;
  title: string;
  hint: string;
  help?: string;
  children: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" look="bare" aria-label={title} title={hint} onClick={() => setOpen(true)}>
        <Icon aria-hidden size={13} />
        <span className="max-2xl:sr-only">{name}</span>
      </Button>
      <Modal open={open} onClose={() => setOpen(false)} wide title={title} {...(help && { help })}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
        <section aria-label="Rules" tabIndex={0} className="relative min-h-0 overflow-y-auto p-2">
          {children}
        </section>
      </Modal>
    </>
  );
}
