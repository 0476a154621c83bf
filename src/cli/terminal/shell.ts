// Writes text of strangers so that it does no harm: a key on a terminal, and a command that an operator pastes.

/** Quotes a text as one argument. zsh looks for a program where one begins with `=`. */
export function shellQuote(text: string): string {
  return /^(?!=)[\w./@:=+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function isLikeOption(text: string): boolean {
  return text.startsWith("-") && text !== "-";
}

/** Options by the names that the program gives them: `secretsFile` is `--secrets-file`. */
type Flags = Readonly<Record<string, string | true | readonly string[] | undefined>>;

/** Writes a command of this program, such as `npx vitrine url --preset card 'a b.jpg'`. */
export function commandLine(command: string, flags: Flags, args: readonly string[] = []): string {
  const options = Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return option;
    const mark = (text: string) => (isLikeOption(text) ? "=" : " ");
    return [value].flat().map((text) => option + mark(text) + shellQuote(text));
  });
  const separator = args.some(isLikeOption) ? ["--"] : [];
  return ["npx vitrine", command, ...options, ...separator, ...args.map(shellQuote)].join(" ");
}

/** Characters that move the cursor, break the line, reverse or hide text, and are not seen. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Writes unseen characters as JSON does, in messages and in JSON itself. Ends of lines stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => character.split("").map(escapeUnit).join(""));
}
