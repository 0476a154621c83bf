// What docs/events.md has its reader write and run: tables that `vitrine check` finds right, the rule that `vitrine deploy`
// would make, and a Worker that passes events on as they came.

import { join } from "node:path";
import { expect, test } from "vitest";
import { ruleArgs, wranglerLine } from "../../src/cli/wrangler/queues.ts";
import { readMessage } from "../../src/worker/purge/event-message.ts";
import { createProject, STAGED } from "../support/cli/folder.ts";
import { AWS, contents, emptyFolder, init } from "../support/cli/run-init.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { VARS } from "../support/env.ts";
import { editFile } from "../support/local-run.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/events.md");
const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\``, "gms"))].map(
    ([, code = ""]) => code.replace(/^ {2,3}(?=\S)/gm, ""),
  );

test("its queue, in a project without one, is right, and is the one that init writes (Q1, Q2)", async () => {
  const folder = emptyFolder("acme-images");
  await init(folder, AWS);
  const written = `${contents(folder)["wrangler.toml"]}`;
  const [queue = ""] = blocksOf("toml");
  const settings = (text: string) => text.match(/^(?:queue|binding|max_\w+|dead_\w+) = [^ \n]+/gm);
  const isOfQueue = (line: string) => !line.includes("RENDITIONS");
  expect(settings(queue)).toEqual(settings(written)?.filter(isOfQueue));

  const { env: _env, ...top } = STAGED;
  const project = createProject({ ...top, vars: { ...VARS, ROUTES: VARS.ROUTES.slice(0, 1) } });
  editFile(join(project, "wrangler.toml"), (text) => `${text}\n${queue}`);
  expect(await vitrine(["check"], { folder: project })).toMatchObject({ code: 0, err: "" });
});

const TOP_LEVEL = { file: "wrangler.toml", environment: undefined, environments: [] };

test("its rule is the one that vitrine deploy makes (Q5)", () => {
  const command = blocksOf("sh").find((code) => code.includes("notification create")) ?? "";
  const args = ruleArgs(
    { bucket: "acme-media", jurisdiction: undefined },
    "",
    "acme-images-events",
  );
  expect(command.replace(/ \\\n\s*/g, " ").trim()).toBe(wranglerLine(TOP_LEVEL, args));
});

test("its Worker passes events on, and the consumer reads them (Q6)", async () => {
  const [code = ""] = blocksOf("js");
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const { default: worker } = await import(/* @vite-ignore */ url);
  const body = {
    ...{ account: "0123", action: "PutObject", bucket: "acme-media", eventTime: "2026-12-01" },
    object: { key: "photos/fig.jpg", size: 3, eTag: "abc" },
  };
  const sent: { readonly body: unknown }[] = [];
  const VITRINE = { sendBatch: async (messages: typeof sent) => void sent.push(...messages) };
  await worker.queue({ messages: [{ body, id: "1" }] }, { VITRINE });
  expect(sent).toEqual([{ body }]);
  expect(readMessage(sent[0]?.body)).toEqual({
    isReadable: true,
    objects: [{ bucket: "acme-media", key: "photos/fig.jpg" }],
  });
});

test("its options of the doctor are there", async () => {
  const { out } = await vitrine(["doctor", "--help"]);
  const options = PAGE.match(/(?<=npx vitrine doctor .*)--[a-z-]+/g) ?? [];
  expect(options).toContain("--write-events");
  for (const option of options) expect(out).toContain(option);
});
