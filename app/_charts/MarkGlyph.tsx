import type { MarkKind } from './types';

/** One shape per kind of mark, centered on (0, 0), about 9 pixels; the shapes differ without color. */
export function MarkGlyph({ kind, color, more }: { kind: MarkKind; color: string; more?: boolean }) {
  return (
    <g>
      {more && <circle r={6.4} fill="none" stroke={color} strokeOpacity={0.55} strokeWidth={1} />}
      {shape(kind, color)}
    </g>
  );
}

function shape(kind: MarkKind, color: string) {
  const solid = { fill: color };
  const open = { fill: 'var(--color-panel)', stroke: color, strokeWidth: 1.5 };
  switch (kind) {
    case 'command':
      return <path d="M0 4.5L-4.5 -3.5H4.5Z" {...solid} />;
    case 'refused':
      return <path d="M-3.2 -3.2L3.2 3.2M3.2 -3.2L-3.2 3.2" {...open} />;
    case 'checkpoint':
      return <rect x={-3.4} y={-3.4} width={6.8} height={6.8} rx={1} {...solid} />;
    case 'evaluation':
      return <circle r={3.2} {...open} />;
    case 'snapshot':
      return <path d="M0 -4.4L4.4 0L0 4.4L-4.4 0Z" {...open} />;
    case 'alert':
      return <path d="M0 -4.8L4.8 4H-4.8Z" {...solid} />;
    case 'status':
      return <path d="M-3.4 -4V4M3.4 -4V4" fill="none" stroke={color} strokeWidth={2} />;
    case 'note':
      return <path d="M-4 -4H4V1.6H0L-2.4 4.4V1.6H-4Z" {...solid} />;
  }
}
