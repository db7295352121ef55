import { type ComponentProps, type ReactNode, useId } from 'react';

export const inputClass =
  'h-7 w-full min-w-0 rounded border border-line bg-bg px-2 font-mono text-xs text-ink placeholder:text-dim hover:not-disabled:border-dim aria-invalid:border-bad disabled:opacity-60';

/** A label, an input (drawn by `children`, which gets the ids it needs), a help line and an error line. */
export function Field({
  label,
  unit,
  help,
  detail,
  error,
  marked = false,
  children,
}: {
  label: string;
  unit?: string;
  help?: string;
  /** A second, smaller help line. */
  detail?: ReactNode;
  error?: string | null;
  /** The value differs from the preset. */
  marked?: boolean;
  children(ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }): ReactNode;
}) {
  const id = useId();
  const unitId = unit ? `${id}-unit` : '';
  const helpId = help ? `${id}-help` : '';
  const detailId = detail ? `${id}-detail` : '';
  const errorId = error ? `${id}-error` : '';
  const describedBy = [unitId, helpId, detailId, errorId].filter(Boolean).join(' ');
  return (
    <div className="min-w-0">
      <div className="flex items-baseline justify-between gap-2 text-xs text-dim">
        <span className={marked ? 'text-ink' : ''}>
          <label htmlFor={id}>{label}</label>
          {marked && (
            <span className="text-accent" title="changed from the preset">
              {' '}
              •
            </span>
          )}
        </span>
        {unit && (
          <span id={unitId} className="text-2xs">
            {unit}
          </span>
        )}
      </div>
      {children({ id, ...(describedBy && { 'aria-describedby': describedBy }), ...(error && { 'aria-invalid': true as const }) })}
      {error && (
        <p id={errorId} className="text-2xs text-bad">
          {error}
        </p>
      )}
      {help && (
        <p id={helpId} className={error ? 'sr-only' : 'text-2xs text-dim'}>
          {help}
        </p>
      )}
      {detail && (
        <p id={detailId} className="text-2xs break-words text-dim">
          {detail}
        </p>
      )}
    </div>
  );
}

export function Select({ options, className = '', ...rest }: ComponentProps<'select'> & { options: readonly string[] }) {
  return (
    <select className={`${inputClass} ${className}`} {...rest}>
      {options.map((o) => (
        <option key={o} value={o}>
          {o}
        </option>
      ))}
    </select>
  );
}
