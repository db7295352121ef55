import type { LinkStatus } from '~/app/_live/types';

const words: Record<LinkStatus, { text: string; dot: string; help: string }> = {
  connecting: { text: 'connecting', dot: 'bg-dim', help: 'Waiting for the server.' },
  live: { text: 'connected', dot: 'bg-good', help: 'What you see is what is happening.' },
  silent: {
    text: 'no news',
    dot: 'bg-warn',
    help: 'The connection is open but nothing comes over it: what is shown may be old. It is opened again after ten seconds.',
  },
  resting: {
    text: 'was in the background',
    dot: 'bg-dim',
    help: 'This tab was in the background for a while: what is shown is from then, and is being brought up to date.',
  },
  reconnecting: {
    text: 'reconnecting',
    dot: 'bg-warn',
    help: 'The connection broke: what is shown may be old. Nothing is lost, it is fetched on return.',
  },
  refused: { text: 'refused', dot: 'bg-bad', help: 'The server does not serve this page.' },
};

export function LinkState({ link, error }: { link: LinkStatus; error: string | null }) {
  const { text, dot, help } = words[link];
  return (
    <span role="status" className="inline-flex items-center gap-1.5 text-xs text-dim" title={error ?? help}>
      <span aria-hidden className={`size-1.5 rounded-full ${dot}`} />
      {/* At rest the dot is enough. */}
      <span className={link === 'live' ? 'max-2xl:sr-only' : ''}>{text}</span>
    </span>
  );
}
