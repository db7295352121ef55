import type { ComponentProps } from 'react';
import { Field, inputClass, Select } from '~/app/_components/Field';

type FieldProps = Omit<ComponentProps<typeof Field>, 'children'>;

/** One of a few words. */
export function ChoiceField<T extends string>({
  options,
  value,
  onChange,
  ...field
}: FieldProps & { options: readonly T[]; value: T; onChange(value: NoInfer<T>): void }) {
  return (
    <Field {...field}>
      {(ids) => (
        <Select {...ids} options={options} value={value} onChange={(e) => onChange(e.target.value as T)} className="font-sans" />
      )}
    </Field>
  );
}

/** A name of at most 80 characters. `person`: it is the name of the person at the keyboard. */
export function NameField({
  person,
  value,
  onChange,
  ...field
}: FieldProps & { person: boolean; value: string; onChange(value: string): void }) {
  return (
    <Field {...field}>
      {(ids) => (
        <input
          {...ids}
          className={`${inputClass} font-sans`}
          {...(person && { autoComplete: 'name' })}
          maxLength={80}
          value={value}
          onChange={(e) => onChange(e.target.value)}
        />
      )}
    </Field>
  );
}

/** A person's color, as #rrggbb. */
export function ColorField({ value, onChange, ...field }: FieldProps & { value: string; onChange(value: string): void }) {
  return (
    <Field {...field}>
      {(ids) => (
        <input
          {...ids}
          type="color"
          className={`${inputClass} w-14! px-1`}
          value={value}
          onChange={(e) => onChange(e.target.value)}
        />
      )}
    </Field>
  );
}
