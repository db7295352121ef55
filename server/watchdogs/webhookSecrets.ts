/**
 * A webhook address is a secret: everybody who knows it can post. Addresses are stored separately from the rules; people, logs
 * and exports get a masked form.
 */
import { nanoid } from 'nanoid';
import { FieldError } from '~/server/base/fieldError';
import type { Store } from '~/server/store';
import type { WatchdogRules, Webhook } from '~/shared/watchdogs';

type Settings = Pick<Store, 'setting' | 'setSetting'>;

const keyOf = (secretId: string): string => `webhook.${secretId}`;

/** "https://hooks.example/…f00d": enough to distinguish two webhooks of one service, not enough to post. */
export function maskedUrl(url: string): string {
  const { origin, pathname, search } = new URL(url);
  const secret = pathname + search;
  return secret.length <= 1 ? origin : `${origin}/…${secret.length > 12 ? secret.slice(-4) : ''}`;
}

/** The rules as they may be logged and shown. */
export const masked = (rules: WatchdogRules): WatchdogRules => ({
  ...rules,
  webhooks: rules.webhooks.map((hook) => (hook.secretId === undefined ? { ...hook, url: maskedUrl(hook.url) } : hook)),
});

/**
 * Stores new addresses and returns the rules with masked ones instead. A masked address that was sent back unchanged keeps its
 * secret.
 *
 * @throws FieldError when a masked address was edited instead of replaced by a whole one
 */
export async function withSecretsKept(rules: WatchdogRules, before: WatchdogRules, settings: Settings): Promise<WatchdogRules> {
  const webhooks: Webhook[] = [];
  for (const [i, hook] of rules.webhooks.entries()) {
    const field = `rules.webhooks.${i}.url`;
    const alike = before.webhooks.filter((b) => maskedUrl(b.url) === hook.url || b.url === hook.url);
    // Addresses may have the same masked form.
    const known = alike.find((b) => b.secretId === hook.secretId) ?? (alike.length === 1 ? alike[0] : undefined);
    if (hook.url.includes('…')) {
      if (!known && alike.length > 1)
        throw new FieldError(
          field,
          `${field}: "${hook.url}" is the masked form of ${alike.length} addresses; give its secretId too`,
        );
      if (!known)
        throw new FieldError(field, `${field}: "${hook.url}" is the masked form of another address; give the whole address`);
      // Rules saved before addresses were masked still hold a whole one.
      webhooks.push(known.secretId === undefined ? await keep({ ...hook, url: known.url }) : { ...known, format: hook.format });
      continue;
    }
    webhooks.push(await keep(hook));
  }
  return { ...rules, webhooks };

  async function keep({ url, format }: Webhook): Promise<Webhook> {
    const secretId = nanoid();
    await settings.setSetting(keyOf(secretId), url);
    return { url: maskedUrl(url), format, secretId };
  }
}

/** The address to post to; null when it is no longer stored. */
export const wholeUrl = async (hook: Webhook, settings: Pick<Settings, 'setting'>): Promise<string | null> =>
  hook.secretId === undefined ? hook.url : settings.setting(keyOf(hook.secretId));
