/** Asks for a run in the page's HTML: the answer is on its way while the scripts are still loading. */
import type { Actor } from '~/shared/ids';
import { transformer } from '~/shared/json';
import { paths, runIdPattern } from '~/shared/paths';
import type { RunView } from '~/shared/view';
import { atBase } from './base';

export interface EarlyRun {
  view: RunView;
  you: Actor;
}

declare global {
  interface Window {
    headroomEarly?: { runId: string; answer: Promise<Response> };
  }
}

/** The connection to the run waits this long at most; a tab in the background has none, and waits for its title. */
const withinMs = 4_000;

/** A script that asks for the run of the page's address. */
export const askEarly = `{
  const runId = /\\/runs\\/(${runIdPattern.source.slice(1, -1)})\\/?$/.exec(location.pathname)?.[1];
  const at = '${atBase(paths.trpc)}/runs.view,system.info?batch=1&input=';
  const asked = encodeURIComponent(JSON.stringify({ 0: { runId } }));
  if (runId) {
    const answer = fetch(at + asked, document.hidden ? {} : { signal: AbortSignal.timeout(${withinMs}) });
    answer.catch(() => {});
    window.headroomEarly = { runId, answer };
  }
}`;

/** The answer for this run, once: later it would be outdated. null = nothing was asked, or the server refused. */
export async function takeEarly(runId: string): Promise<EarlyRun | null> {
  const asked = window.headroomEarly;
  if (asked?.runId !== runId) return null;
  window.headroomEarly = undefined;
  try {
    const answers: { result: { data: unknown } }[] = await (await asked.answer).json();
    const [view, info] = answers.map((a) => transformer.deserialize(a.result.data)) as [RunView, { you: Actor }];
    return { view, you: info.you };
  } catch {
    // The connection asks again, and reports why the run cannot be read.
    return null;
  }
}
