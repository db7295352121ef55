import { type ComponentProps, type ReactNode, useId } from 'react';
import { About } from './About';
import { Button } from './Button';
import { count } from './format';
import { NoLonger, Remark } from './Remark';

export const inputClass =
  'h-7 w-full min-w-0 rounded border border-line bg-bg px-2 font-mono text-xs text-ink placeholder:text-dim hover:not-disabled:border-dim aria-invalid:border-bad disabled:opacity-60';

/** A label, an input (drawn by `children`, which gets the ids it needs), a help line and an error line. */
export function Field(props: {
  label: string;
  unit?: string | undefined;
  help?: string | undefined;
  /** What the "?" beside the label tells, line by line. */
  about?: readonly string[];
  /** A second, smaller help line. */
  detail?: ReactNode;
  error?: string | null | undefined;
  /** The value differs from the preset. */
  marked?: boolean;
  children(ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }): ReactNode;
}) {
  const { label, unit, help, about = [], detail, error, marked = false, children } = props;
  const id = useId();
  const unitId = unit ? `${id}-unit` : '';
  const helpId = help ? `${id}-help` : '';
  const aboutId = about.length > 0 ? `${id}-about` : '';
  const detailId = detail ? `${id}-detail` : '';
  const errorId = error ? `${id}-error` : '';
  const describedBy = [unitId, helpId, aboutId, detailId, errorId].filter(Boolean).join(' ');
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
          {about.length > 0 && <About of={label} lines={about} className="-my-1" />}
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
      {about.length > 0 && (
        <p id={aboutId} className="sr-only">
          {about.join(' ')}
        </p>
      )}
      {detail && (
        <div id={detailId} className="text-2xs break-words text-dim">
          {detail}
        </div>
      )}
    </div>
  );
}

/** Why a text does not fit; null = it does. A field that cuts off what is too long would lose the end of a pasted text unseen. */
export function whyTooLong(text: string, longest: number): string | null {
  const { length } = text.trim();
  return length > longest ? `${count(length)} characters; at most ${count(longest)} fit` : null;
}

/** A field for a line of text, of at most `longest` characters. Further properties go to the input. */
export function TextField({
  label,
  help,
  about,
  error,
  longest = Number.POSITIVE_INFINITY,
  onChange,
  className = '',
  ...input
}: Pick<ComponentProps<typeof Field>, 'label' | 'help' | 'about' | 'error'> &
  Omit<ComponentProps<'input'>, 'onChange' | 'value' | 'about'> & {
    value: string;
    longest?: number;
    onChange(value: string): void;
    'data-first'?: boolean;
  }) {
  return (
    <Field label={label} help={help} {...(about && { about })} error={whyTooLong(input.value, longest) ?? error}>
      {(ids) => <input {...ids} className={`${inputClass} ${className}`} onChange={(e) => onChange(e.target.value)} {...input} />}
    </Field>
  );
}

/** A choice; a word alone is both the value and its text. */
export type Option<T extends string = string> = T | { value: T; text: string; disabled?: boolean };

interface Choices<T extends string> {
  options: readonly Option<T>[];
  value: string;
  onPick(value: NoInfer<T>): void;
}

const looks = { field: inputClass, toolbar: 'h-6 max-w-44 rounded border border-line bg-raised px-1 text-xs text-ink' };

export type SelectProps<T extends string> = Choices<T> &
  Omit<ComponentProps<'select'>, 'onChange' | 'value'> & { look?: keyof typeof looks };

/** One of a few choices. Further properties go to the select. */
export function Select<T extends string>({ options, onPick, look = 'field', className = '', ...rest }: SelectProps<T>) {
  return (
    <select className={`${looks[look]} ${className}`} onChange={(e) => onPick(e.target.value as T)} {...rest}>
      {options.map((o) => {
        const { value, text, disabled = false } = typeof o === 'string' ? { value: o, text: o } : o;
        return (
          <option key={value} value={value} disabled={disabled}>
            {text}
          </option>
        );
      })}
    </select>
  );
}

/** A field for one of a few choices. */
export function ChoiceField<T extends string>({
  label,
  help,
  about,
  error,
  ...select
}: Pick<ComponentProps<typeof Field>, 'label' | 'help' | 'about' | 'error'> & Choices<T> & { name?: string }) {
  return (
    <Field label={label} help={help} {...(about && { about })} error={error}>
      {(ids) => <Select {...ids} className="font-sans" {...select} />}
    </Field>
  );
}

interface FormEndProps {
  yes: string;
  /** Why the form cannot be sent any more; null = it can. */
  why?: string | null;
  /** Why it was not accepted when it was sent. */
  problem?: string | null;
  disabled?: boolean;
  onCancel(): void;
}

/** The buttons at the end of a form in a dialog. */
export const FormEnd = ({ yes, why = null, problem = null, disabled, onCancel }: FormEndProps) => (
  <>
    {why === null && problem !== null && <Remark tone="bad">{problem}</Remark>}
    <NoLonger why={why} />
    <div className="flex justify-end gap-2">
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" look="primary" disabled={disabled || why !== null}>
        {yes}
      </Button>
    </div>
  </>
);
