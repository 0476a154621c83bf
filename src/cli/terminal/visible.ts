// What a terminal may be shown of what strangers wrote, as the path of a URL or a key.

/** What moves a cursor, breaks a line or turns what is written around, none of which is seen. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** A text with what cannot be seen spelt out, as JSON spells it; ends of lines stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) =>
    found === "\n" ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
