import type { LucideIcon } from 'lucide-react';
import { Button, type ButtonProps } from './Button';

/** A button that is only an icon; `label` is its name. */
export function IconButton({
  icon: Icon,
  label,
  look = 'bare',
  size = 'icon',
  ...rest
}: Omit<ButtonProps, 'children'> & { icon: LucideIcon; label: string }) {
  return (
    <Button look={look} size={size} aria-label={label} {...rest}>
      <Icon aria-hidden size={size === 'small' ? 12 : 14} />
    </Button>
  );
}
