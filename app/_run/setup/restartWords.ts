import { ended, isOpened, type RunView } from '~/shared/view';

type About = Pick<RunView, 'setup' | 'status' | 'step' | 'runId' | 'openKey' | 'released'>;

/** How to restart a run that a script opened, in words for its viewers; null while its process is alive. */
export function restartWords(view: About): string | null {
  if (!isOpened(view)) return null;
  const { status, released, runId, step, openKey } = view;
  const fork = `a script with another key and fork = {"runId": "${runId}", "step": ${step}} branches it`;
  if (openKey === null) return `This run was imported; ${fork}.`;
  if (!ended(status) && !released && status !== 'waiting') return null;
  return `To go on, start the script again with the run's key and resume = "allow": it comes back as a new attempt, from any step. Or ${fork}.`;
}
