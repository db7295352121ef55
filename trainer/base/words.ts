/** A share as a percentage for people; only 1 is shown as 100 %. */
export function percent(share: number): string {
  const text = (100 * share).toFixed(2);
  return `${share < 1 && text === '100.00' ? '99.99' : text} %`;
}
