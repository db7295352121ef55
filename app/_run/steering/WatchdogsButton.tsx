import { ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Modal } from '~/app/_components/Modal';
import { useRun, useView } from '~/app/_live/useRun';
import { WatchdogRulesPanel } from '~/app/_team/WatchdogRules';

/** The rules that watch this run; saving makes them specific to the run. */
export function WatchdogsButton() {
  const [open, setOpen] = useState(false);
  const runId = useView((v) => v.runId, '');
  const operates = useRun((r) => r.you?.role === 'operator' || r.you?.role === 'admin');
  return (
    <>
      <Button
        size="small"
        look="bare"
        aria-label="Watchdogs of this run"
        title="What is watched for in this run"
        onClick={() => setOpen(true)}
      >
        <ShieldAlert aria-hidden size={13} />
      </Button>
      <Modal
        open={open}
        onClose={() => setOpen(false)}
        wide
        title="Watchdogs of this run"
        help="Until they are saved here, the rules of all runs (Team page) apply."
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
        <section aria-label="Rules" tabIndex={0} className="relative min-h-0 overflow-y-auto p-2">
          <WatchdogRulesPanel editable={operates} runId={runId} />
        </section>
      </Modal>
    </>
  );
}
