import { useId } from 'react';
import { Select, type SelectProps } from './Field';

/** A choice in a toolbar. Its name is `label`, shown before it, or `aria-label`. */
export function Choose<T extends string>({ label, ...select }: SelectProps<T> & { label?: string }) {
  const id = useId();
  if (label === undefined) return <Select look="toolbar" {...select} />;
  return (
    <span className="flex items-center gap-1 text-xs text-dim">
      <label htmlFor={id}>{label}</label>
      <Select id={id} look="toolbar" {...select} />
    </span>
  );
}
