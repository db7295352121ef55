/** The last `size` values of a series, with the statistics that rules need. Callers add only finite values. */
export class Window {
  readonly #values: Float64Array;
  #count = 0;
  #at = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  get full(): boolean {
    return this.#count === this.#values.length;
  }

  push(value: number): void {
    this.#values[this.#at] = value;
    this.#at = (this.#at + 1) % this.#values.length;
    this.#count = Math.min(this.#count + 1, this.#values.length);
  }

  /** Mean and population standard deviation. */
  spread(): { mean: number; deviation: number } {
    const values = this.#values.subarray(0, this.#count);
    const mean = values.reduce((a, b) => a + b, 0) / this.#count;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / this.#count;
    return { mean, deviation: Math.sqrt(variance) };
  }

  median(): number {
    const sorted = this.#values.slice(0, this.#count).sort();
    const middle = this.#count >> 1;
    return this.#count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }

  clear(): void {
    this.#count = 0;
    this.#at = 0;
  }
}
