// The code of a picture to paste into an app, as text.

import type { Dimensions } from "../../client/types.ts";

/** One picture of an app. */
export type ImageCall = {
  /** The name of the client: `images`. */
  readonly client: string;
  readonly key: string;
  readonly preset: string;
  /** Whether the preset has widths, so that the call needs `sizes`. */
  readonly hasSizes: boolean;
  /** Whether its route is signed. */
  readonly signed: boolean;
  /** Its size, so that a page keeps its place free; undefined: it is not known. */
  readonly original: Dimensions | undefined;
};

/**
 * Returns the command that writes a file beside the code of the app.
 * @param origin the origin of the local run: a new project has no domain that the command could find
 */
export function appFileCommand(origin: string): string {
  return `npx vitrine client ../app/src/vitrine.ts --standalone --base-url ${origin}`;
}

/** Returns lines that compile beside the file that `npx vitrine client` writes. */
export function callSnippet(call: ImageCall): string {
  const { client, key, preset, hasSizes, signed, original } = call;
  const object = `${JSON.stringify(key)}, ${JSON.stringify(preset)}`;
  const lines: string[] = [];

  if (signed) {
    lines.push(
      `import { createSigner, ${client} } from "./vitrine";`,
      "",
      "// On your server. The page needs no key.",
      `const sign = createSigner(${client}.site, process.env.URL_SIGNING_KEYS ?? "");`,
      `const query = await sign(${object}, { within: 3600 });`,
    );
  } else {
    lines.push(`import { ${client} } from "./vitrine";`, "");
  }

  lines.push(`const props = ${client}.imgProps(${object}, {`, '  alt: "…",');
  if (hasSizes) lines.push('  sizes: "100vw", // put yours');
  if (original !== undefined) {
    const { width, height } = original;
    lines.push(
      `  original: { width: ${width}, height: ${height} }, // npx vitrine facts writes those of all`,
    );
  }
  if (signed) lines.push("  query,");
  lines.push("});");

  return lines.join("\n");
}
