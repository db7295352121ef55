import type { Webhook } from '~/shared/watchdogs';

/** The content of a webhook message, for any service. */
export interface Notice {
  run: string;
  runId: string;
  kind: string;
  step: number;
  message: string;
  /** Page of the run at that step. */
  link: string;
}

/** Sources: Slack "incoming webhooks" (`text`), Discord "execute webhook" (`content`, at most 2000 characters). */
export function payload(format: Webhook['format'], notice: Notice): Record<string, unknown> {
  const line = `Headroom: ${notice.kind} in "${notice.run}": ${notice.message}`;
  switch (format) {
    case 'slack':
      // Slack reads <...|...> as a link; the three characters it escapes are those of HTML.
      return { text: `${line.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!)} <${notice.link}|open>` };
    case 'discord':
      return { content: `${line}\n${notice.link}`.slice(0, 2000), allowed_mentions: { parse: [] } };
    case 'json':
      return { ...notice };
  }
}

export interface Delivery {
  /** The whole address of a webhook; null when it is no longer stored. */
  address(hook: Webhook): Promise<string | null>;
  /** @returns the status of the answer @throws Error when there is none */
  post(url: string, body: string): Promise<number>;
  /** Resolves after so many ms. */
  pause(ms: number): Promise<void>;
}

/** The delays before the second and later attempts. */
const waitsMs = [1_000, 5_000, 30_000, 120_000];

/**
 * Posts until the service answers 2xx, or its answer makes a retry pointless (a redirect, or 4xx except 408 and 429), or the
 * attempts are used up.
 */
export async function deliver(
  hook: Webhook,
  notice: Notice,
  { address, post, pause }: Delivery,
): Promise<{ ok: true } | { ok: false; message: string }> {
  const body = JSON.stringify(payload(hook.format, notice));
  const url = await address(hook);
  if (url === null) return { ok: false, message: 'its address is no longer kept; enter it again' };
  let problem = '';
  for (let attempt = 0; ; attempt++) {
    try {
      const status = await post(url, body);
      if (status >= 200 && status < 300) return { ok: true };
      problem = `it answered ${status}`;
      if (status >= 300 && status < 500 && status !== 408 && status !== 429) return { ok: false, message: problem };
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    const wait = waitsMs[attempt];
    if (wait === undefined) return { ok: false, message: `${problem} (${attempt + 1} attempts)` };
    await pause(wait);
  }
}
