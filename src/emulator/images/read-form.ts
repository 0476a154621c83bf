// Reads the form that the binding posts. Whether its options are right is not checked here.

import { type Fault, isFault } from "../edge/faults.ts";

/** The fields of a form. Image 0 is the canvas; the others are drawn. */
export type Posted = {
  readonly images: readonly [Uint8Array, ...Uint8Array[]];
  readonly transforms: unknown;
  readonly output: Readonly<Record<"format" | "quality" | "background" | "anim", string | null>>;
};

/**
 * Reads a form.
 * @param most how many bytes an image may have (B1)
 * @throws if the body breaks off, or has a text to draw: the emulator cannot play that
 */
export async function readForm(request: Request, most: number): Promise<Posted | Fault> {
  const form = await formOf(request, most);
  if (isFault(form)) return form;
  if (form.has("text_input") || form.has("draw_text")) {
    throw new Error("the strict edge cannot play texts of the Images binding");
  }
  const [canvas, ...drawn] = [form.get("image"), ...form.getAll("draw_image")];
  const files = [canvas, ...drawn].filter((file) => file instanceof Blob);
  if (files.some(({ size }) => size > most)) return { code: 9402, status: 413 }; // B1
  const [first, ...others] = await Promise.all(files.map(async (file) => await file.bytes()));
  const transforms = parsed(textOf(form, "transforms") ?? "[]");
  if (first === undefined || transforms === undefined) return { code: 9432, status: 400 };
  return {
    images: [first, ...others],
    transforms,
    output: {
      format: textOf(form, "output_format"),
      quality: textOf(form, "output_quality"),
      background: textOf(form, "background"),
      anim: textOf(form, "anim"),
    },
  };
}

/** How many bytes a form may have, for each byte that an image may have: the emulator reads it whole. */
const ROOM = 5;

async function formOf({ headers, body }: Request, most: number): Promise<FormData | Fault> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = body?.getReader();
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
    chunks.push(read.value);
    size += read.value.length;
    if (size <= most * ROOM) continue;
    await reader?.cancel();
    return { code: 9402, status: 413 }; // B1
  }
  const type = headers.get("content-type") ?? "";
  const whole = new Response(new Blob(chunks), { headers: { "content-type": type } });
  return await whole.formData().catch(() => ({ code: 9432, status: 400 }));
}

function textOf(form: FormData, name: string): string | null {
  const value = form.get(name);
  return typeof value === "string" ? value : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
