import type { ComponentProps } from 'react';

/** Replaces next/link in the bundle of a replay: there is no other page to open. */
export default function Link({ href: _href, ...rest }: ComponentProps<'a'>) {
  return <span {...(rest as ComponentProps<'span'>)} />;
}
