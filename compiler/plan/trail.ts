/** What a search has overwritten, to be put back on the way out of a branch. */
export class Trail {
  private readonly arrays: Float64Array[] = [];
  private readonly places: number[] = [];
  private readonly values: number[] = [];

  clear(): void {
    this.arrays.length = 0;
    this.places.length = 0;
    this.values.length = 0;
  }

  /** A point to come back to. */
  mark(): number {
    return this.places.length;
  }

  set(array: Float64Array, place: number, value: number): void {
    this.arrays.push(array);
    this.places.push(place);
    this.values.push(array[place]);
    array[place] = value;
  }

  undo(mark: number): void {
    while (this.places.length > mark) this.arrays.pop()![this.places.pop()!] = this.values.pop()!;
  }
}
