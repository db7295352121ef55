import { type ComponentProps, type ReactNode, useId } from 'react';

export const selectClass = 'h-6 max-w-44 rounded border border-line bg-raised px-1 text-xs text-ink';

/** One thing that can be chosen; `off`: shown, but not offered. */
export type Option<T extends string> = readonly [value: T, text: ReactNode, off?: boolean];

/** A small list to choose from, in a toolbar. Its name is `label`, shown before it, or `aria-label`. */
export function Choose<T extends string>({
  label,
  options,
  onChange,
  className = selectClass,
  ...rest
}: Omit<ComponentProps<'select'>, 'onChange' | 'value'> & {
  label?: string;
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
}) {
  const id = useId();
  const select = (
    <select id={id} className={className} onChange={(e) => onChange(e.target.value as T)} {...rest}>
      {options.map(([value, text, off]) => (
        <option key={value} value={value} disabled={off}>
          {text}
        </option>
      ))}
    </select>
  );
  if (label === undefined) return select;
  return (
    <span className="flex items-center gap-1 text-xs text-dim">
      <label htmlFor={id}>{label}</label>
      {select}
    </span>
  );
}
