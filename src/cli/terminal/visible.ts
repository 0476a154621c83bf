// Makes text of strangers, such as a key, safe to show on a terminal.

/** Characters that move the cursor, break the line or reverse the text, and are not seen. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Writes unseen characters as JSON does. Ends of lines stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) =>
    found === "\n" ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
