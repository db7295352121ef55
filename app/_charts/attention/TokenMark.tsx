import type { SVGProps } from 'react';
import { cut } from '~/app/_charts/format';
import type { Token } from './tokens';

/** Longer labels are cut; the tooltip and the readout have the whole text. */
const mostCharacters = 7;
/** Of the font of the labels at its larger size, CSS pixels. */
const characterWidth = 7.2;

/** Width of the longest label as it is drawn, CSS pixels. */
export const labelsWidth = (tokens: readonly Token[]): number =>
  characterWidth * Math.max(0, ...tokens.map((t) => Math.min(mostCharacters, t.text.length)));

interface MarkProps {
  token: Token;
  place: number;
  x: number;
  y: number;
  /** Side of the drawing on which the label is. */
  side: 'top' | 'left' | 'right';
  /** CSS pixels from one label to the next. */
  pitch: number;
  on: boolean;
}

/** A token beside its row or column: its picture, or its text and position. */
export function TokenMark({ token, place, x, y, side, pitch, on }: MarkProps) {
  const away = side === 'right' ? 1 : -1;
  if (token.picture) {
    const edge = Math.max(10, Math.min(26, pitch - 2));
    const top = side === 'top' ? y - edge - 3 : y - edge / 2;
    const left = side === 'top' ? x - edge / 2 : side === 'left' ? x - edge - 3 : x + 3;
    const frame = (room: number, props: SVGProps<SVGRectElement>) => (
      <rect x={left - room} y={top - room} width={edge + 2 * room} height={edge + 2 * room} fill="none" {...props} />
    );
    return (
      <g>
        <image href={token.picture} x={left} y={top} width={edge} height={edge} style={{ imageRendering: 'pixelated' }} />
        {token.picked && frame(1.5, { className: 'stroke-accent', strokeWidth: 1.5, strokeDasharray: '3 2', rx: edge / 3 })}
        {token.target && frame(0, { className: 'stroke-warn', strokeWidth: 2 })}
        {on && frame(2, { className: 'stroke-ink', strokeWidth: 1.5 })}
      </g>
    );
  }
  const wrong = token.right === false;
  const textAnchor = side === 'top' ? 'middle' : side === 'left' ? 'end' : 'start';
  const size = pitch < 18 ? 'text-[10px]' : 'text-xs';
  return (
    <g className={on ? 'fill-ink' : 'fill-ink/85'} textAnchor={textAnchor}>
      <text
        x={side === 'top' ? x : x + 12 * away}
        y={side === 'top' ? y - 13 : y + 4}
        className={`font-mono ${size} ${on ? 'font-bold' : ''} ${wrong ? 'fill-bad' : ''}`}
      >
        {cut(token.text, mostCharacters)}
      </text>
      {/* The position, since digits repeat; a cross where the answer is wrong. */}
      <text
        x={side === 'top' ? x : x + 2 * away}
        y={side === 'top' ? y - 3 : y + 3}
        className={`text-[7px] ${wrong ? 'fill-bad' : 'fill-dim'}`}
      >
        {wrong ? '✗' : token.text === String(place + 1) ? '' : place + 1}
      </text>
    </g>
  );
}
