import { useRun } from '~/app/_live/useRun';

/** Text with its @mentions highlighted, one's own more strongly. A name with spaces is mentioned without them. */
export function Mentions({ text }: { text: string }) {
  const you = useRun((r) => r.you?.name ?? '');
  return text.split(/(@[\p{L}\p{N}_.-]+)/u).map((part, i) =>
    part.startsWith('@') ? (
      <mark
        key={i}
        className={`rounded-sm px-0.5 ${same(part.slice(1), you) ? 'bg-accent text-on-accent' : 'bg-accent/15 text-accent'}`}
      >
        {part}
      </mark>
    ) : (
      part
    ),
  );
}

const same = (mention: string, name: string): boolean => mention.toLowerCase() === name.replaceAll(/\s+/g, '').toLowerCase();
