import type { ReactNode } from 'react';

/** A few alternative views of the same content, one of them selected. */
export function Segments<T extends string>(props: {
  label: string;
  options: readonly { value: T; label: ReactNode; title?: string }[];
  value: T;
  onChange: (value: T) => void;
}) {
  const { label, options, value, onChange } = props;
  return (
    <fieldset className="inline-flex rounded border border-line">
      <legend className="sr-only">{label}</legend>
      {options.map((o) => (
        <button
          key={o.value}
          type="button"
          aria-pressed={o.value === value}
          title={o.title}
          aria-label={typeof o.label === 'string' ? undefined : o.title}
          onClick={() => onChange(o.value)}
          className="h-6 border-line border-l px-2 text-xs text-dim first:rounded-l-sm first:border-l-0 last:rounded-r-sm hover:text-ink aria-pressed:bg-raised aria-pressed:font-medium aria-pressed:text-ink"
        >
          {o.label}
        </button>
      ))}
    </fieldset>
  );
}
