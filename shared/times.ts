/** Whether a Date can hold this time in ms: up to 100,000,000 days on either side of 1970. False for NaN. */
export const isTime = (ms: number): boolean => Math.abs(ms) <= 8.64e15;
export const timeWish = 'give ms since 1970, from -8.64e15 to 8.64e15';
