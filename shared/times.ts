/** Whether a Date can hold this time in ms: up to 100,000,000 days on either side of 1970. False for NaN. */
export const isTime = (ms: number): boolean => Math.abs(ms) <= 8.64e15;
export const timeWish = 'give ms since 1970, from -8.64e15 to 8.64e15';

/** Whether a time in ms, which as such lies in 1970 to 1973, is a time of this century in seconds. */
export const isSeconds = (time: number): boolean => time >= 1e9 && time < 1e11;
