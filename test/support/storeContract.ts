/** The rules of every store, each with an id. Run on the store in memory and on each durable store. */
import { afterAll, beforeAll } from 'vitest';
import type { Store } from '~/server/store';
import type { WithStore } from './storeEntries';
import { storeKeptRules } from './storeKeptRules';
import { storeLogRules } from './storeLogRules';
import { storeRangesRules } from './storeRangesRules';

/** All rules share one store; each uses its own runs. */
export function storeContract(open: () => Promise<Store>): void {
  let store: Store;
  let tests = 0;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());
  const withStore: WithStore = (test) => () => test(store, `run${100 + tests++}`);
  storeLogRules(withStore);
  storeRangesRules(withStore);
  storeKeptRules(withStore);
}
