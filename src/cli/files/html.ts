// HTML templates. Each value is escaped, also in an attribute, unless it is the result of a template.

/** The result of a template. Not exported, so that only a template creates it. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type { Html };

type Value = Html | string | number | readonly Html[] | false | undefined;

/** `&` comes first: the other replacements contain it. */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Escapes all values; one that is false or undefined is left out. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  const parts: string[] = [];
  for (const [index, part] of strings.entries()) {
    parts.push(part, textOf(values[index]));
  }
  return new Html(parts.join(""));
}

function textOf(value: Value): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");

  let text = `${value}`;
  for (const [character, entity] of Object.entries(ENTITIES)) {
    text = text.replaceAll(character, entity);
  }
  return text;
}

/** Writes attributes: those of `imgProps`. */
export function attributes(props: Readonly<Record<string, string | number | undefined>>): Html[] {
  return Object.entries(props).map(([name, value]) =>
    value === undefined ? html`` : html` ${name}="${value}"`,
  );
}
