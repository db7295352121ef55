import { Children, type ComponentProps, type ReactNode } from 'react';

const looks = {
  plain: 'border-line bg-raised text-ink hover:not-disabled:border-dim',
  primary: 'border-accent bg-accent text-on-accent hover:not-disabled:brightness-110',
  danger: 'border-bad/60 bg-transparent text-bad hover:not-disabled:bg-bad/10',
  bare: 'border-transparent bg-transparent text-dim hover:not-disabled:text-ink hover:not-disabled:bg-raised',
} as const;
const sizes = {
  normal: 'h-7 px-2.5 gap-1.5',
  small: 'h-6 min-w-6 px-1.5 gap-1 text-xs',
  icon: 'h-7 w-7',
} as const;

export interface ButtonProps extends ComponentProps<'button'> {
  look?: keyof typeof looks;
  size?: keyof typeof sizes;
  /** Every click sends the form; without it, the second click of a double click does not. */
  counts?: boolean;
  /** What the button is about, where a list has several with the same words: people who hear them need it. Part of the name. */
  of?: string | undefined;
}

/** The accessible name begins with the words that are shown, which people say to a computer that listens (WCAG 2.5.3). */
export const nameWith = (children: ReactNode, of: string | undefined): string | undefined =>
  of === undefined
    ? undefined
    : `${Children.toArray(children)
        .filter((c) => typeof c === 'string' || typeof c === 'number')
        .join('')}: ${of}`;

export const buttonClass = (look: keyof typeof looks = 'plain', size: keyof typeof sizes = 'normal') =>
  `inline-flex shrink-0 items-center justify-center rounded border font-medium whitespace-nowrap select-none disabled:opacity-45 ${looks[look]} ${sizes[size]}`;

export function Button({ look, size, className = '', type = 'button', counts = false, of, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      aria-label={nameWith(rest.children, of)}
      className={`${buttonClass(look, size)} ${className}`}
      onClick={(event) => {
        if (type === 'submit' && event.detail > 1 && !counts) event.preventDefault();
        onClick?.(event);
      }}
      {...rest}
    />
  );
}
