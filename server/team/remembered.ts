import { serial } from '~/server/base/serial';
import type { Store } from '~/server/store';
import type { Remembered, RememberedKey } from '~/shared/remembered';

type Settings = Pick<Store, 'setting' | 'setSetting'>;

const keyOf = (person: string): string => `person.${person}`;
const inTurn = serial();

/** What the server remembers for a person: one document in the store's settings. Of two changes of a value the later one holds. */
export async function remembered(settings: Settings, person: string): Promise<Remembered> {
  const text = await settings.setting(keyOf(person));
  return { person, values: text === null ? {} : JSON.parse(text) };
}

export const remember = (settings: Settings, person: string, key: RememberedKey, value: string): Promise<void> =>
  inTurn(async () => {
    const { values } = await remembered(settings, person);
    await settings.setSetting(keyOf(person), JSON.stringify({ ...values, [key]: value }));
  });

/** Forgets a person who was removed. */
export const forget = (settings: Settings, person: string): Promise<void> =>
  inTurn(() => settings.setSetting(keyOf(person), '{}'));
