// Quotes a text as one argument of a shell command.

export function shellQuote(text: string): string {
  return /^[\w./@:=+][\w./@:=+-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
