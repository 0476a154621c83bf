// What the Images binding asks: a service that reads a form and answers with an image, with facts or with a
// refusal. docs/rules.md has its rules. This file shows the steps of a request.

import { decodes } from "../edge/decodes.ts";
import { bindingFaultAnswer, type Fault, isFault } from "../edge/faults.ts";
import { type Original, readOriginal } from "../edge/read-original.ts";
import { uprightSize } from "../edge/rendition.ts";
import type { EdgeCore } from "../edge/settings.ts";
import { breaking } from "./break.ts";
import { develop } from "./develop.ts";
import { type Posted, readForm } from "./read-form.ts";
import { readOutput, readSteps } from "./read-steps.ts";
import type { ImagesService } from "./types.ts";

/**
 * Creates the service of an edge.
 * @param developer makes the images; tests pass one that remembers them
 */
export function createImagesService(
  { switches, quota }: Pick<EdgeCore, "switches" | "quota">,
  developer: typeof develop = develop,
): ImagesService {
  let calls = 0;

  async function answer(request: Request): Promise<Response> {
    if (switches.bindingFault === "throws") throw new Error("Network connection lost.");
    if (switches.bindingFault === "stalls") return new Promise<never>(() => {});
    if (!switches.bindingAllowed) return bindingFaultAnswer({ code: 9430, status: 403 }); // B3
    const posted = await readForm(request, switches.bindingBytes);
    if (switches.trouble !== undefined) return bindingFaultAnswer(switches.trouble);
    if (isFault(posted)) return bindingFaultAnswer(posted);
    const isInfo = new URL(request.url).pathname.endsWith("/info");
    const made = isInfo ? await facts(posted) : await image(posted);
    return isFault(made) ? bindingFaultAnswer(made) : made;
  }

  async function facts({ images: [bytes] }: Posted): Promise<Response | Fault> {
    const read = await readOriginal(bytes, switches);
    if (isFault(read)) return read;
    if ("svg" in read) return Response.json({ format: "image/svg+xml" }); // B8
    const { width, height } = switches.originalSides === "upright" ? await uprightSize(read) : read;
    return Response.json({ format: read.type, file_size: bytes.length, width, height });
  }

  async function image(posted: Posted): Promise<Response | Fault> {
    const steps = readSteps(posted);
    if (isFault(steps)) return steps;
    const output = readOutput(posted);
    if (isFault(output)) return output;
    const { format: _format, ...unique } = output;
    const source = switches.bindingSame === "bytes" ? await digest(posted.images) : `${calls++}`;
    const billed = `binding ${source} ${JSON.stringify([steps, unique])}`; // B10
    if (!quota.allows(billed)) return { code: 9422, status: 429 }; // B10
    const originals: Original[] = [];
    for (const bytes of posted.images) {
      const read = await readOriginal(bytes, switches);
      if (isFault(read)) return read;
      if ("svg" in read) return { code: 9412, status: 415 }; // B4
      originals.push(read);
    }
    const [canvas, ...others] = originals;
    if (canvas === undefined) return { code: 9432, status: 400 };
    const made = await decodes(() => developer([canvas, ...others], steps, output, switches));
    if (isFault(made)) return made;
    quota.bill(billed);
    return breaking(made, canvas, output.format, switches.bindingFault);
  }

  return answer;
}

async function digest(images: readonly Uint8Array[]): Promise<string> {
  const all = images.map(async (bytes) => {
    const hash = await crypto.subtle.digest("SHA-256", bytes.slice());
    return Buffer.from(hash).toString("hex");
  });
  return (await Promise.all(all)).join(" ");
}
