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
export function callSnippet({
  client,
  key,
  preset,
  hasSizes,
  signed,
  original,
}: ImageCall): string {
  const object = `${JSON.stringify(key)}, ${JSON.stringify(preset)}`;
  const names = signed ? `createSigner, ${client}` : client;
  const signer = [
    "// On your server. The page needs no key.",
    `const sign = createSigner(${client}.site, process.env.URL_SIGNING_KEYS ?? "");`,
    `const query = await sign(${object}, { within: 3600 });`,
  ];
  const size = original && `{ width: ${original.width}, height: ${original.height} }`;
  return [
    `import { ${names} } from "./vitrine";`,
    "",
    ...(signed ? signer : []),
    `const props = ${client}.imgProps(${object}, {`,
    '  alt: "…",',
    ...(hasSizes ? ['  sizes: "100vw", // put yours'] : []),
    ...(size ? [`  original: ${size}, // npx vitrine facts writes those of all`] : []),
    ...(signed ? ["  query,"] : []),
    "});",
  ].join("\n");
}
