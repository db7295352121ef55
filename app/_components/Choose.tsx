import { useId } from 'react';
import { Select, type SelectProps } from './Field';

/**
 * A choice in a toolbar. Its name is `label`, shown before it, or `aria-label`.
 *
 * @param unlisted text of a value that is not among the options, such as one from a link: the list keeps it
 */
export function Choose<T extends string>({
  label,
  unlisted,
  ...props
}: SelectProps<T> & { label?: string; unlisted?: string | undefined }) {
  const id = useId();
  const { options, value } = props;
  const listed = unlisted === undefined || options.some((o) => (typeof o === 'string' ? o : o.value) === value);
  const select = listed ? props : { ...props, options: [...options, { value: value as T, text: unlisted }] };
  if (label === undefined) return <Select look="toolbar" {...select} />;
  return (
    <span className="flex items-center gap-1 text-xs text-dim">
      <label htmlFor={id}>{label}</label>
      <Select id={id} look="toolbar" {...select} />
    </span>
  );
}
