// The code of a picture to paste into an app, as text.

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
};

/**
 * Returns the command that writes a file beside the code of the app.
 * @param origin the origin of the local run: a new project has no domain that the command could find
 */
export function appFileCommand(origin: string): string {
  return `npx vitrine client ../app/src/vitrine.ts --base-url ${origin}`;
}

/** Returns lines that compile beside the file that `npx vitrine client` writes. */
export function callSnippet({ client, key, preset, hasSizes, signed }: ImageCall): string {
  const object = `${JSON.stringify(key)}, ${JSON.stringify(preset)}`;
  const names = signed ? `createSigner, ${client}` : client;
  const signer = [
    "// On your server. The page needs no key.",
    `const sign = createSigner(${client}.site, process.env.URL_SIGNING_KEYS ?? "");`,
    `const query = await sign(${object}, { within: 3600 });`,
  ];
  return [
    `import { ${names} } from "./vitrine";`,
    "",
    ...(signed ? signer : []),
    `const props = ${client}.imgProps(${object}, {`,
    '  alt: "…",',
    ...(hasSizes ? ['  sizes: "100vw", // put yours'] : []),
    ...(signed ? ["  query,"] : []),
    "});",
  ].join("\n");
}
