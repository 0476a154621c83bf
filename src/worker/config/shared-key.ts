// Finds a key that two patterns of keys share, such as `users/x/x` of `users/:user/*` and `*`. A route protects no object
// that another route shows. Whether two routes share an object, the beginnings of their patterns do not tell: `*.jpg` and
// `users/*` share a key. This file never takes patterns for disjoint that are not. Where it cannot decide, it says so. Pure.

import { REST } from "../../url/grammar.ts";
import { MAX_KEY_BYTES } from "../../url/key.ts";

/** The keys that a route shows in one bucket, ready to compare. */
export type KeyForm = {
  /** The prefix of the bucket and the template of the route. Each placeholder is one character (`FIRST_PLACEHOLDER`). */
  readonly text: string;
  /** The same, but no placeholder may be empty. */
  readonly filledText: string;
  /** The literal text with which all keys end. */
  readonly suffix: string;
  readonly placeholders: Placeholders;
};

/** What each character that is a placeholder stands for. */
type Placeholders = ReadonlyMap<string, Placeholder>;

type Placeholder =
  /** `:name`, or `*`, which allows slashes. `isSingle`: one character; else any number of them. */
  | { readonly kind: "text"; readonly allowsSlash: boolean; readonly isSingle: boolean }
  /** One of these texts: for `:preset`, a variant that the route shows. */
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export type SharedKey =
  | { readonly kind: "none" }
  | { readonly kind: "key"; readonly key: string }
  /** A placeholder stands twice in a pattern, and it took too long to find a key, or that there is none. */
  | { readonly kind: "undecided" };

/**
 * The first half of a surrogate pair stands for a placeholder, because no key has a half alone (`keyFault`). Literals
 * are whole, so none begins with a second half, which would make a pair of both.
 */
const FIRST_PLACEHOLDER = 0xd8_00;

/** How many states are tried if a placeholder stands twice. With a longer and longer text, there is always another. */
const MAX_STRICT_STATES = 100;

/** Stands for a character that is not in the patterns. Which one it is makes no difference. */
const FILLER = "x";

/**
 * Makes a form.
 * @param parts of the template, as `compilePattern` splits it: placeholders are at the odd indexes
 * @param choicesOfNames what a placeholder may stand for, such as `:preset`. Without an entry, it is any text
 */
export function keyForm(
  prefix: string,
  parts: readonly string[],
  choicesOfNames: ReadonlyMap<string, readonly string[]>,
): KeyForm {
  const placeholders = new Map<string, Placeholder>();
  const addPlaceholder = (placeholder: Placeholder): string => {
    const character = String.fromCharCode(FIRST_PLACEHOLDER + placeholders.size);
    placeholders.set(character, placeholder);
    return character;
  };

  // What stands in the two texts for each placeholder.
  const symbols = new Map<string, { readonly text: string; readonly filledText: string }>();
  for (const [index, part] of parts.entries()) {
    const isFixedText = index % 2 === 0;
    if (isFixedText || symbols.has(part)) continue;

    const choices = choicesOfNames.get(part);
    if (choices) {
      const choice = addPlaceholder({ kind: "choice", choices });
      symbols.set(part, { text: choice, filledText: choice });
      continue;
    }

    const allowsSlash = part === REST;
    const anyText = addPlaceholder({ kind: "text", allowsSlash, isSingle: false });
    const oneCharacter = addPlaceholder({ kind: "text", allowsSlash, isSingle: true });
    symbols.set(part, { text: anyText, filledText: oneCharacter + anyText });
  }

  let text = prefix;
  let filledText = prefix;
  for (const [index, part] of parts.entries()) {
    // A literal may be called like a placeholder only in the prefix of a bucket, which is not in `parts`.
    const symbol = index % 2 === 1 ? symbols.get(part) : undefined;
    text += symbol ? symbol.text : part;
    filledText += symbol ? symbol.filledText : part;
  }

  const suffix = parts.at(-1) ?? "";
  return { text, filledText, suffix, placeholders };
}

/** Returns the form of the same keys in a folder, which is empty or ends with a slash. */
export function inFolder(folder: string, form: KeyForm): KeyForm {
  return { ...form, text: folder + form.text, filledText: folder + form.filledText };
}

/**
 * Finds a key that both forms take, and that an object can have (`keyFault`).
 *
 * If each placeholder stands once in its pattern, the answer is exact: both patterns are read side by side, one character
 * after the other, and no state is tried twice. If one stands twice (`:user/:user.jpg`), a bounded number of states is
 * tried. The answer `undecided` is to be taken for a shared key: what is unknown is not proof.
 */
export function findSharedKey(first: KeyForm, second: KeyForm): SharedKey {
  // Keys that end with `.jpg` need no comparison with keys that end with `.png`.
  const mayShareSuffix =
    first.suffix.endsWith(second.suffix) || second.suffix.endsWith(first.suffix);
  if (!mayShareSuffix) return { kind: "none" };

  // Most patterns have no key in common even if each place of a placeholder may have a text of its own.
  const loose: Comparison = { first, second, isStrict: false, alphabet: [FILLER] };
  const looseKey = search(loose, startOf(first.text, second.text));
  if (looseKey.kind === "none") return looseKey;

  const isExact = !hasRepeated(first) && !hasRepeated(second);
  const alphabet = charactersOf(first, second);
  const comparison: Comparison = isExact ? loose : { first, second, isStrict: true, alphabet };
  const sharedKey = isExact ? looseKey : search(comparison, startOf(first.text, second.text));
  if (sharedKey.kind !== "key") return sharedKey;

  // As an example, `users/x.jpg` is better than the shortest key, `users/.jpg`.
  const filledKey = search(comparison, startOf(first.filledText, second.filledText));
  return filledKey.kind === "key" ? filledKey : sharedKey;
}

/** Two forms, and how they are compared. */
type Comparison = {
  readonly first: KeyForm;
  readonly second: KeyForm;
  /**
   * Whether a placeholder has the same text in all its places, as it has in a key. If not, each place is on its own, and
   * there are few states: what is left of a pattern is always one of its ends.
   */
  readonly isStrict: boolean;
  /** The characters to try where both patterns have a placeholder. */
  readonly alphabet: readonly string[];
};

/** What is left of both patterns behind a text that both take. */
type State = {
  readonly first: string;
  readonly second: string;
  /** The text, which is the beginning of a key. */
  readonly key: string;
  /** The length of `key`, as UTF-8. */
  readonly byteLength: number;
  readonly segment: Segment;
};

/** The last segment of a key's beginning, as far as `keyFault` refuses it: only a key that ends with `text` is one. */
type Segment = "empty" | "dot" | "two dots" | "text";

function startOf(first: string, second: string): State {
  return { first, second, key: "", byteLength: 0, segment: "empty" };
}

/** Returns whether a placeholder stands in two places. */
function hasRepeated({ text, placeholders }: KeyForm): boolean {
  const characters = [...placeholders.keys()];
  return characters.some((character) => text.indexOf(character) < text.lastIndexOf(character));
}

/** Lists the characters of the patterns, and one that stands for all others. */
function charactersOf(...forms: readonly KeyForm[]): readonly string[] {
  const characters = new Set([FILLER]);
  for (const { text, placeholders } of forms) {
    for (const character of text) {
      const placeholder = placeholders.get(character);
      if (!placeholder) characters.add(character);

      const choices = placeholder?.kind === "choice" ? placeholder.choices : [];
      for (const choiceCharacter of choices.join("")) characters.add(choiceCharacter);
    }
  }
  return [...characters];
}

/** Tries the states in the order of the shortest keys that they may lead to. The first key found is one of the shortest. */
function search(comparison: Comparison, start: State): SharedKey {
  const statesByLength: State[][] = [];
  const seen = new Set<string>();
  addState(statesByLength, comparison, start);

  // The arrays become longer while these loops run.
  for (let length = 0; length < statesByLength.length; length += 1) {
    for (const state of statesByLength[length] ?? []) {
      const { first, second, key, segment } = state;
      const isWhole = first === "" && second === "" && segment === "text";
      if (isWhole) return { kind: "key", key };

      const id = [segment, first, second].join("\n"); // patterns have no control character
      if (seen.has(id)) continue;
      seen.add(id);
      if (comparison.isStrict && seen.size > MAX_STRICT_STATES) return { kind: "undecided" };

      for (const next of nextStates(comparison, state)) {
        addState(statesByLength, comparison, next);
      }
    }
  }
  return { kind: "none" };
}

/** Adds a state, behind the literal text that both patterns go on with, unless no key follows from it. */
function addState(statesByLength: State[][], comparison: Comparison, state: State): void {
  const next = skipLiterals(state);
  if (!next) return;

  // What has no key if each place of a placeholder is on its own, has none at all. Without this, the texts of
  // placeholders would grow to the limit of a key before most states are given up.
  let length = next.byteLength;
  if (comparison.isStrict) {
    const looseKey = search({ ...comparison, isStrict: false, alphabet: [FILLER] }, next);
    if (looseKey.kind !== "key") return;
    length = new TextEncoder().encode(looseKey.key).length;
  }

  if (length > MAX_KEY_BYTES) return;
  const states = statesByLength[length] ?? [];
  states.push(next);
  statesByLength[length] = states;
}

/** Goes on to where one of the patterns has a placeholder, or where both end. @returns undefined if they differ before */
function skipLiterals(start: State): State | undefined {
  let state = start;
  while (true) {
    const { first, second } = state;
    const symbol = frontOf(first);
    const otherSymbol = frontOf(second);
    if (isPlaceholder(symbol) || isPlaceholder(otherSymbol)) return state;

    if (symbol !== otherSymbol) return undefined;
    if (symbol === undefined) return state;

    const next = appendCharacter(
      state,
      symbol,
      first.slice(symbol.length),
      second.slice(symbol.length),
    );
    if (!next) return undefined;
    state = next;
  }
}

/** Returns the first character of a pattern; undefined at its end. */
function frontOf(text: string): string | undefined {
  const code = text.codePointAt(0);
  return code === undefined ? undefined : String.fromCodePoint(code);
}

const PLACEHOLDER = /^[\ud800-\udbff]$/;

function isPlaceholder(symbol: string | undefined): boolean {
  return symbol !== undefined && PLACEHOLDER.test(symbol);
}

/** Returns the states that may follow where at least one of the patterns has a placeholder. */
function nextStates(comparison: Comparison, state: State): readonly State[] {
  const { isStrict, alphabet } = comparison;
  const { first, second } = state;
  const symbol = frontOf(first);
  const otherSymbol = frontOf(second);
  const placeholder = comparison.first.placeholders.get(symbol ?? "");
  const otherPlaceholder = comparison.second.placeholders.get(otherSymbol ?? "");

  if (placeholder?.kind === "choice") {
    const { choices } = placeholder;
    return choices.map((text) => ({ ...state, first: replaceFront(first, text, isStrict) }));
  }
  if (otherPlaceholder?.kind === "choice") {
    const { choices } = otherPlaceholder;
    return choices.map((text) => ({ ...state, second: replaceFront(second, text, isStrict) }));
  }

  // The text of a placeholder ends here.
  const states: State[] = [];
  if (placeholder && !placeholder.isSingle) {
    states.push({ ...state, first: replaceFront(first, "", isStrict) });
  }
  if (otherPlaceholder && !otherPlaceholder.isSingle) {
    states.push({ ...state, second: replaceFront(second, "", isStrict) });
  }

  // Or it goes on: with the literal character of the other pattern, or with any one.
  const literal = placeholder ? otherSymbol : symbol;
  const hasBoth = placeholder !== undefined && otherPlaceholder !== undefined;
  const characters = hasBoth ? alphabet : [literal].filter((character) => character !== undefined);
  for (const character of characters) {
    const rest = takeCharacter(first, character, placeholder, isStrict);
    const otherRest = takeCharacter(second, character, otherPlaceholder, isStrict);
    if (rest === undefined || otherRest === undefined) continue;

    const next = appendCharacter(state, character, rest, otherRest);
    if (next) states.push(next);
  }
  return states;
}

type TextPlaceholder = Extract<Placeholder, { kind: "text" }>;

/**
 * Returns what is left of a pattern behind a character of the key.
 * @param placeholder the pattern's first symbol; undefined if that is the character itself
 * @returns undefined if the placeholder does not take the character
 */
function takeCharacter(
  text: string,
  character: string,
  placeholder: TextPlaceholder | undefined,
  isStrict: boolean,
): string | undefined {
  if (!placeholder) return text.slice(character.length);
  if (character === "/" && !placeholder.allowsSlash) return undefined;

  // The placeholder becomes this character, and itself again behind it, unless it stands for one character alone.
  const rest = placeholder.isSingle ? "" : frontOf(text);
  return replaceFront(text, `${character}${rest}`, isStrict).slice(character.length);
}

/** Replaces the placeholder with which a pattern begins, and if it is strict, in all other places, too. */
function replaceFront(text: string, replacement: string, isStrict: boolean): string {
  const [symbol = ""] = text;
  if (!isStrict) return replacement + text.slice(symbol.length);
  return text.split(symbol).join(replacement);
}

/** Adds a character to the key. @returns undefined if no key begins so */
function appendCharacter(
  state: State,
  character: string,
  first: string,
  second: string,
): State | undefined {
  const segment = segmentAfter(state.segment, character);
  if (segment === undefined) return undefined;

  const byteLength = state.byteLength + new TextEncoder().encode(character).length;
  return { first, second, key: state.key + character, byteLength, segment };
}

/** @returns undefined if a slash would end a segment that `keyFault` refuses */
function segmentAfter(segment: Segment, character: string): Segment | undefined {
  if (character === "/") return segment === "text" ? "empty" : undefined;
  if (character !== ".") return "text";

  switch (segment) {
    case "empty":
      return "dot";
    case "dot":
      return "two dots";
    default:
      return "text";
  }
}
