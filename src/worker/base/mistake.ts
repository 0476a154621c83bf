// What is wrong with the configuration, as a value. It never holds any part of a secret.

export type Mistake = {
  /** The option or the secret that is wrong: `PRESETS.hero.quality`, `AWS_ACCESS_KEY_ID`. */
  readonly path: string;
  /** What is wrong with it: `150 is not between 1 and 100`. */
  readonly message: string;
};

/** A mistake as one line of text. */
export function mistakeText({ path, message }: Mistake): string {
  return `${path}: ${message}`;
}
