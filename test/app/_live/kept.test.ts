import { afterEach, describe, expect, it, vi } from 'vitest';
import { kept } from '~/app/_live/kept';
import { createChoices } from '~/app/_live/remembered';

afterEach(() => vi.unstubAllGlobals());

/** A browser's storage that takes nothing while `full`. */
function storage() {
  const items = new Map([['headroom..tour', 'seen once']]);
  const of = { full: true, items };
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => {
      if (of.full) throw new DOMException('full', 'QuotaExceededError');
      items.set(key, text);
    },
    removeItem: (key: string) => void items.delete(key),
  });
  return of;
}

describe('choices in a browser that stores nothing', () => {
  it('one that is made takes effect on the page, where storage is refused', () => {
    vi.stubGlobal('localStorage', {
      getItem() {
        throw new DOMException('denied', 'SecurityError');
      },
    });
    const choices = createChoices(kept);
    choices.write('keysAct', 'yes');
    expect([choices.read('keysAct'), choices.read('tour')]).toEqual(['yes', null]);
    kept.set('headroom..keysAct', null);
    expect(choices.read('keysAct')).toBeNull();
  });

  it('one that is made takes effect where storage is full, and is stored once there is room', () => {
    const browser = storage();
    const choices = createChoices(kept);
    choices.write('tour', 'done');
    expect([choices.read('tour'), browser.items.get('headroom..tour')]).toEqual(['done', 'seen once']);
    browser.full = false;
    choices.write('tour', 'again');
    expect([choices.read('tour'), browser.items.get('headroom..tour')]).toEqual(['again', 'again']);
    browser.items.set('headroom..tour', 'by another page');
    expect(choices.read('tour')).toBe('by another page');
  });
});
