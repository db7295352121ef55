/** A list of doubles that grows without a box per number. */
export class Numbers {
  #values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  /** The newest; undefined when empty. */
  last(): number | undefined {
    return this.length === 0 ? undefined : this.#values[this.length - 1];
  }

  /** In a buffer of their own. */
  array(): Float64Array {
    return this.#values.slice(0, this.length);
  }
}
