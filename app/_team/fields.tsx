import type { ComponentProps } from 'react';
import { Field, inputClass, TextField } from '~/app/_components/Field';

type FieldProps = Omit<ComponentProps<typeof Field>, 'children'>;

/** A name of at most 80 characters. `person`: it is the name of the person at the keyboard. */
export const NameField = ({ person, ...field }: Omit<ComponentProps<typeof TextField>, 'longest'> & { person: boolean }) => (
  <TextField {...field} className="font-sans" longest={80} {...(person && { autoComplete: 'name' })} />
);

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
