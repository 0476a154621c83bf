// A strict STS and a strict S3 that takes its sessions, with isolates of the Worker that take a role. Their
// clock is Date, which the test moves.

import { expect, vi } from "vitest";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import worker from "../../src/worker/index.ts";
import { createEmulators, file } from "./emulators.ts";
import { CREDENTIALS, VARS } from "./env.ts";
import { ISSUER, KEYLESS, TRUST } from "./issuer.ts";
import { overhear, overhearAnswer, readLogLine } from "./overheard.ts";
import { createSts } from "./sts/sts.ts";

/** The `env` of one isolate: its own object, so that it knows nothing of others. */
type Isolate = object;

/**
 * Starts it all, in place of `fetch` and of the log.
 * @param ahead how far the clocks of S3 and STS are ahead of the Worker's: ms
 */
export async function startWorkerWithRole(ahead = 0) {
  const now = () => Date.now() + ahead;
  const { images } = createEmulators().edge;

  /** The versions that answer the issuer's host, in turn. */
  const deployed: Isolate[] = [];
  let turn = 0;
  const sts = createSts({
    fetch: async (input) => serve(deployed[turn++ % deployed.length] ?? {}, `${input}`),
    ...TRUST,
    now,
  });

  const { endpoint, bucket, region, prefix } = VARS.BUCKETS.media;
  const { sessions } = sts;
  const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS, sessions, now });
  s3.objects.set(`${prefix}key.jpg`, { body: file("made/key.jpg"), type: "image/jpeg" });

  const lines: Record<string, unknown>[] = [];
  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      overhear("logged", line);
      lines.push(readLogLine(line));
    });
  }

  /** Every text that the Worker sent, to be searched for secrets. */
  const texts: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const request = new Request(input, init);
    return sts.matches(request) ? sts.fetch(request) : s3.fetch(request);
  });

  async function serve(isolate: Isolate, url: string, init?: RequestInit): Promise<Response> {
    const after: Promise<unknown>[] = [];
    const waitUntil = (work: Promise<unknown>) => void after.push(work);
    const answer = await worker.fetch(new Request(url, init), isolate, { waitUntil });
    await Promise.all(after);
    return answer;
  }

  return {
    sts,
    s3,
    lines,
    deployed,
    isolate: (change: object = {}): Isolate => ({
      ...KEYLESS,
      IMAGES: images,
      ANSWERS: { keep: 0 },
      ...change,
    }),
    /** A visitor's request. @returns its status */
    async getStatus(isolate: Isolate): Promise<number> {
      const answer = await serve(isolate, `${ISSUER}/images/plain/key.jpg`);
      const { head, body } = await overhearAnswer(answer);
      texts.push(head);
      if (answer.status !== 200) texts.push(`${body}`);
      return answer.status;
    },
    serve,
    /** Checks that no answer and no line has a credential or a token. */
    expectSilence(): void {
      const all = [...texts, ...lines.map((line) => JSON.stringify(line))].join("\n");
      expect(all).not.toMatch(/ASIA|secret-|token\/|eyJ|PRIVATE/);
    },
  };
}
