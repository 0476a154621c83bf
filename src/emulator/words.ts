// Sets of words that a test may add to.

/** A set of words from a list. */
export class Words<Word extends string> extends Set<Word> {
  readonly #name: string;
  readonly #known: readonly string[];

  constructor(name: string, known: readonly Word[]) {
    super();
    this.#name = name;
    this.#known = known;
  }

  override add(word: Word): this {
    if (!this.#known.includes(word)) {
      throw new TypeError(`${this.#name}: unknown: ${word}. Known: ${this.#known.join(", ")}`);
    }
    return super.add(word);
  }
}
