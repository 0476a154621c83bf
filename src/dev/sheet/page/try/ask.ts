// Asks the local run for a picture with other options, and for the fact of an original.

import type { Fact } from "../../../../client/types.ts";

export type Fault = { readonly fault: string };

/** A picture that the edge made. */
export type Made = {
  /** A `data:` URL: the picture is asked for once, and its bytes are counted. */
  readonly url: string;
  /** `image/webp` */
  readonly type: string;
  readonly bytes: number;
};

/**
 * @param path that of the picture's public URL
 * @param options those that the try has in place of the preset's: `{ format: "webp" }`
 */
export async function askTry(
  path: string,
  options: Readonly<Record<string, string>>,
): Promise<Made | Fault> {
  const blob = await ask("try", { of: path, ...options });
  if ("fault" in blob) return blob;
  return { url: await dataUrlOf(blob), type: blob.type, bytes: blob.size };
}

export async function askFact(path: string): Promise<Fact | Fault> {
  const blob = await ask("fact", { of: path });
  if ("fault" in blob) return blob;
  const fact: Fact = JSON.parse(await blob.text());
  return fact;
}

async function ask(what: string, query: Record<string, string>): Promise<Blob | Fault> {
  try {
    const answer = await fetch(`/.vitrine/${what}?${new URLSearchParams(query)}`);
    return answer.ok ? await answer.blob() : { fault: (await answer.text()).trim() };
  } catch (error) {
    return { fault: `npx vitrine dev does not answer: ${error}` };
  }
}

function dataUrlOf(blob: Blob): Promise<string> {
  return new Promise((settle, fail) => {
    const reader = new FileReader();
    reader.onload = () => settle(`${reader.result}`);
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}
