/** Whom the sign-in provider's accounts let in, and with which role. */
import { z } from 'zod';
import { type PersonRole, personRole } from '~/shared/team';

export interface OidcSettings {
  issuer: URL;
  clientId: string;
  /** null: a public client, secured by PKCE alone. */
  clientSecret: string | null;
  /** What people call the provider. */
  name: string;
  allow: readonly Admission[];
}

/** Whom the provider's accounts let in, e.g. "ada@lab.example=admin", "group:ml=operator" or "@lab.example=viewer". */
export const admission = z
  .string()
  .trim()
  .regex(
    /^(group:.+|[^\s@:]*@[^\s@]+)=(viewer|operator|admin)$/,
    'each part is WHO=ROLE, where WHO is an e-mail address, @ and a domain, or group: and a name, and ROLE is viewer, operator or admin, ' +
      'e.g. @lab.example=viewer,ada@lab.example=admin',
  )
  .transform((rule) => {
    const [, who = '', role] = /^(.*)=(\w+)$/.exec(rule)!;
    return { who: who.startsWith('group:') ? who : who.toLowerCase(), role: personRole.parse(role) };
  });
export type Admission = z.infer<typeof admission>;

/** The role of an account: by its address, else the highest by its groups, else by its domain; null: it is not let in. */
export function roleFor(allow: readonly Admission[], email: string, groups: readonly string[]): PersonRole | null {
  const address = email.toLowerCase();
  const roles = (names: readonly string[]) => allow.filter((rule) => names.includes(rule.who)).map((rule) => rule.role);
  const highest = (found: PersonRole[]) => personRole.options.findLast((role) => found.includes(role));
  const [own, group, domain] = [[address], groups.map((name) => `group:${name}`), [address.slice(address.lastIndexOf('@'))]];
  return highest(roles(own)) ?? highest(roles(group)) ?? highest(roles(domain)) ?? null;
}
