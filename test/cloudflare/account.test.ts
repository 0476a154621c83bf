// What is deleted of an account where somebody else could write into the bucket of a run.

import { expect, test } from "vitest";
import { type Account, deleteResource } from "./account.ts";

test.each([
  "..%2Facme-media%2Fphotos%2Ffig.jpg",
  "../acme-media/plain.jpg",
  "x%2F..%2F..%2Facme-media%2Fb.jpg",
  "..%2Facme-media",
  "%2E%2E/acme-media",
  "..",
  ".",
])("a key leads to no other bucket: %s", async (key) => {
  const sent: string[] = [];
  const send = async (input: string, init: RequestInit = {}) => {
    const { url, method } = new Request(input, init); // resolves `..` as fetch does
    if (url.includes("/client/v4/"))
      return Response.json({ result: { id: "k", status: "active" } });
    if (method === "GET") return new Response(`<Key>origin%2Fa.jpg</Key><Key>${key}</Key>`);
    sent.push(url);
    return new Response(null, { status: 204 });
  };
  const account: Account = {
    ...{ id: "0".repeat(32), token: "t".repeat(40), api: "https://api.example/client/v4" },
    network: { send, now: Date.now, pause: async () => {} },
  };
  const name = "vitrine-probe-0123456789abcdef-bucket";
  await deleteResource(account, { kind: "bucket", name, id: name });
  const outside = sent.filter((url) => !new URL(url).pathname.startsWith(`/${name}/`));
  expect(outside).toEqual([]);
});
