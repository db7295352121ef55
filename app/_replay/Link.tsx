import type { ComponentProps } from 'react';

/** In a replay's bundle, in place of next/link: there is no other page to go to. */
export default function Link({ href: _href, ...rest }: ComponentProps<'a'>) {
  return <span {...(rest as ComponentProps<'span'>)} />;
}
