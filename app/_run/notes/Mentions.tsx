import { useRun } from '~/app/_live/useRun';
import { isMentionOf, mentionPattern } from '~/shared/mentions';

/** Text with its @mentions highlighted, one's own more strongly. */
export function Mentions({ text }: { text: string }) {
  const you = useRun((r) => r.you?.name ?? '');
  return text.split(new RegExp(`(${mentionPattern.source})`, 'u')).map((part, i) =>
    part.startsWith('@') ? (
      <mark
        key={i}
        className={`rounded-sm px-0.5 ${isMentionOf(part, you) ? 'bg-accent text-on-accent' : 'bg-accent/15 text-accent'}`}
      >
        {part}
      </mark>
    ) : (
      part
    ),
  );
}
