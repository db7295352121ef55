import type { HTMLAttributes, Ref } from 'react';
import { LongName } from '~/app/_components/LongName';
import type { Palette } from './palette';
import { type Color, colorOf, type LineSpec, type PointSpec, type RuleSpec } from './types';

const MOST = 6;

interface Toggles {
  palette: Palette;
  hidden: ReadonlySet<string>;
  onToggle(name: string, alone: boolean): void;
}

/**
 * Names, colors and values at the cursor. The chart writes the values when it draws (`data-reads`, `data-measured`), not React. A click hides a line; shift + click
 * shows only that line, and a second shift + click shows all.
 */
export function Legend(
  props: Toggles & {
    ref: Ref<HTMLUListElement>;
    lines: readonly LineSpec[];
    points: readonly PointSpec[];
    rule: RuleSpec | null;
    missing: readonly string[];
  },
) {
  const { ref, lines, points, rule, missing, ...toggles } = props;
  return (
    <ul
      ref={ref}
      className="-mr-2.5 text-xs leading-6 text-dim *:mr-2.5 *:inline-block *:max-w-[calc(100%---spacing(2.5))] *:align-top"
    >
      {lines.length > MOST ? (
        <li>{lines.length} lines</li>
      ) : (
        lines.map((l) => <Item key={l.name} of={l} value={{ 'data-reads': l.name }} {...toggles} />)
      )}
      {points.length > MOST ? (
        <li>{points.length} sets of points</li>
      ) : (
        points.map((p) => {
          const value = { 'data-measured': p.name, title: 'the newest by the step shown, with its step' };
          return <Item key={p.name} of={p} value={value} round {...toggles} />;
        })
      )}
      {rule && rule.from.length > 0 && (
        <li>
          <span aria-hidden className="mr-1 inline-block w-3 border-t-2 border-dashed border-warn align-middle" />
          {rule.label}
        </li>
      )}
      {missing.length > 0 && (
        <li className="truncate text-warn" title={`There is no series ${missing.join(', ')} here.`}>
          no {missing.slice(0, 3).join(', ')}
          {missing.length > 3 && ` and ${missing.length - 3} more`}
        </li>
      )}
    </ul>
  );
}

interface ItemProps extends Toggles {
  of: { name: string; label: string; short?: string; titled?: boolean; color: Color; dashed?: boolean };
  /** Attributes of the element that gets the value. */
  value: HTMLAttributes<HTMLElement> & Record<`data-${string}`, string>;
  round?: boolean;
}

function Item({ of: { name, label, short, titled, color: of, dashed }, value, round, palette, hidden, onToggle }: ItemProps) {
  const off = hidden.has(name);
  const color = colorOf(palette, of);
  return (
    <li>
      <button
        type="button"
        aria-pressed={!off}
        title={`${label}. Click: show or hide; shift-click: this one alone`}
        onClick={(e) => onToggle(name, e.shiftKey)}
        className={`flex min-h-6 min-w-6 max-w-full items-center gap-1 rounded text-left hover:text-ink ${off ? 'line-through opacity-50' : ''}`}
      >
        <span
          aria-hidden
          className={round ? 'size-2 shrink-0 rounded-full' : 'h-0 w-3 shrink-0 border-t-2'}
          style={round ? { background: color } : { borderColor: color, borderStyle: dashed ? 'dashed' : 'solid' }}
        />
        {titled || short !== undefined ? <span className="sr-only">{label}</span> : <LongName title={null}>{label}</LongName>}
        {short !== undefined && <span aria-hidden>{short}</span>}
        <span {...value} className="shrink-0 font-mono text-2xs text-ink" />
      </button>
    </li>
  );
}

/** The hidden names after a click on one; `alone`: only that one stays visible, or all become visible if it already was the only one. */
export function toggled(
  hidden: ReadonlySet<string>,
  name: string,
  alone: boolean,
  all: readonly { name: string }[],
): ReadonlySet<string> {
  if (alone) {
    const others = all.map((l) => l.name).filter((n) => n !== name);
    return others.every((n) => hidden.has(n)) && !hidden.has(name) ? new Set() : new Set(others);
  }
  const next = new Set(hidden);
  if (!next.delete(name)) next.add(name);
  return next;
}
