/** A text as an argument of a shell's command. */
export function shellQuote(text: string): string {
  return /^[\w./@:=+][\w./@:=+-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
