// Writes text of strangers so that it does no harm: a key on a terminal, and a command that an operator pastes.

/** Quotes a text as one argument. zsh looks for a program where one begins with `=`. */
export function shellQuote(text: string): string {
  const isSafe = /^(?!=)[\w./@:=+,-]+$/.test(text);
  if (isSafe) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function isLikeOption(text: string): boolean {
  return text.startsWith("-") && text !== "-";
}

/** Options by the names that the program gives them: `secretsFile` is `--secrets-file`. */
type Flags = Readonly<Record<string, string | true | readonly string[] | undefined>>;

/** Writes a command of this program, such as `npx vitrine url --preset card 'a b.jpg'`. */
export function commandLine(command: string, flags: Flags, args: readonly string[] = []): string {
  const parts = ["npx vitrine", command];
  for (const [name, value] of Object.entries(flags)) parts.push(...optionParts(name, value));

  // Without it, an argument that begins with a dash would be an option.
  if (args.some(isLikeOption)) parts.push("--");

  return [...parts, ...args.map(shellQuote)].join(" ");
}

/** `--preset card`, once for each value. */
function optionParts(name: string, value: Flags[string]): readonly string[] {
  if (value === undefined) return [];

  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (value === true) return [option];

  const texts = typeof value === "string" ? [value] : value;
  return texts.map((text) => {
    const mark = isLikeOption(text) ? "=" : " ";
    return option + mark + shellQuote(text);
  });
}

/** Characters that move the cursor, break the line, reverse or hide text, and are not seen. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Writes unseen characters as JSON does, in messages and in JSON itself. Ends of lines stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, escapeCharacter);
}

/** `\u200b`. A character that UTF-16 has in two units becomes two escapes. */
function escapeCharacter(character: string): string {
  let escaped = "";
  for (let index = 0; index < character.length; index += 1) {
    const digits = character.charCodeAt(index).toString(16);
    escaped += `\\u${digits.padStart(4, "0")}`;
  }
  return escaped;
}
