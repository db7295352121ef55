import type { AriaAttributes, KeyboardEvent } from 'react';
import { inputClass, Select } from '~/app/_components/Field';
import type { ControlSpec } from '~/shared/controls';

/** The input for a declared value, as text: a choice, or a line of text. */
export function ValueInput({
  spec,
  value,
  onText,
  className = '',
  readOnly = false,
  ...rest
}: AriaAttributes & {
  spec: ControlSpec;
  value: string;
  onText(text: string): void;
  className?: string;
  id?: string;
  title?: string;
  disabled?: boolean;
  readOnly?: boolean;
  placeholder?: string;
  onKeyDown?(event: KeyboardEvent): void;
}) {
  const { type, nullLabel } = spec;
  const options = type === 'boolean' ? ['true', 'false'] : spec.options;
  if (!options) {
    return (
      <input
        placeholder={nullLabel ?? undefined}
        autoComplete="off"
        spellCheck={false}
        className={`${inputClass} ${className}`}
        value={value}
        onChange={(e) => onText(e.target.value)}
        readOnly={readOnly}
        {...rest}
      />
    );
  }
  const texts = options.map((o) => ({ value: o, text: type === 'boolean' ? (o === 'true' ? 'on' : 'off') : o }));
  return (
    <Select
      options={nullLabel === null ? texts : [{ value: '', text: nullLabel }, ...texts]}
      className={className}
      value={value}
      onPick={onText}
      {...rest}
      disabled={rest.disabled || readOnly}
    />
  );
}
