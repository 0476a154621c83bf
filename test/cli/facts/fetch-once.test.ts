// Memory is taken for an original alone, and given back at once if the original does not come.

import { expect, test, vi } from "vitest";
import { fetchOnce } from "../../../src/cli/facts/fetch-once.ts";

const URL = "https://s3.example/a.jpg";

/** Fetches an answer. @returns what became of it, and how much memory was taken and given back */
async function fetched(answer: Response) {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(answer);
  const [taken, given]: [number[], number[]] = [[], []];
  const came = fetchOnce(URL, {}, async (amount) => {
    taken.push(amount);
    return () => given.push(amount);
  });
  return { came: await came.catch((error: unknown) => `${error}`), taken, given };
}

const headers = { "content-length": "3" };
const breaksOff = () =>
  new ReadableStream({
    start(stream) {
      stream.enqueue(new Uint8Array(2));
      stream.error(new TypeError("terminated"));
    },
  });

test.each<[string, Response, object]>([
  ["that comes", new Response("abc", { headers }), { taken: [3], given: [] }],
  ["that breaks off", new Response(breaksOff(), { headers }), { taken: [3], given: [3] }],
  ["that is too large", Response.json("", { headers: { "content-length": "100000001" } }), {}],
  ["that S3 refuses", new Response("<Error/>", { status: 403, headers }), {}],
])("of an original %s", async (_what, answer, memory) => {
  const { came: _came, ...found } = await fetched(answer);
  expect(found).toEqual({ taken: [], given: [], ...memory });
});

test("an original has bytes, a refusal has a text, and neither has both", async () => {
  const { came } = await fetched(new Response("abc"));
  expect(came).toMatchObject({ status: 200, bytes: Buffer.from("abc"), text: "" });
  const refused = await fetched(new Response("<Error/>", { status: 403 }));
  expect(refused.came).toMatchObject({ status: 403, bytes: undefined, text: "<Error/>" });
  const off = await fetched(new Response(breaksOff()));
  expect(off.came).toBe("TypeError: terminated");
});
