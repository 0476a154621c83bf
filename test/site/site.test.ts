// The built site of the documents, as Cloudflare's static assets show it, in a browser. npm run test:docs builds it first.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import axe, { type AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { launch } from "../browser/chromium.ts";
import { listPages, readPage } from "../docs/pages.ts";
import { ROOT } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";

let site: string;
let server: ChildProcess;
let browser: Browser;
/** Of the browser, about all pages that were opened. */
const complaints: string[] = [];

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const MISSING = "/nothing";

beforeAll(async () => {
  const port = await freePort();
  site = `http://localhost:${port}`;
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const config = join(ROOT, "docs/site/wrangler.toml");
  const args = [wrangler, "dev", "--config", config, "--port", `${port}`, "--inspector-port", "0"];
  server = spawn(process.execPath, args, {
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  [browser] = await Promise.all([launch(), untilReady(server, "Ready on")]);
});

afterAll(async () => {
  await browser.close();
  server.kill();
  await once(server, "exit");
});

/** Reads what a server prints, in colors or not, until it is ready.
 * @throws if the server ends before it is ready */
function untilReady({ stdout }: ChildProcess, text: string): Promise<void> {
  let printed = "";
  return new Promise((resolve, reject) => {
    stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (stripVTControlCharacters(printed).includes(text)) resolve();
    });
    stdout?.on("end", () => reject(new Error(`the server ended: ${printed}`)));
  });
}

/** The address of a page on the site. */
function addressOf(page: string): string {
  return `${site}/${page.replace(/(?:README)?\.md$/, "")}`;
}

/** Where the links and pictures of a page of the site lead on this site. */
function linksOf(html: string, address: string): string[] {
  const links = html.matchAll(/ (?:href|src|srcset)="(?<link>[^"]+)"/g);
  const urls = Array.from(
    links,
    ([, link = ""]) => new URL(link.replaceAll("&amp;", "&"), address),
  );
  return urls.filter(({ origin }) => origin === site).map(({ href }) => href);
}

test("each link, anchor and picture of each page leads to what is there", async () => {
  const targets = new Map<string, string>();
  for (const page of listPages()) {
    const address = addressOf(page);
    const answer = await fetch(address);
    expect([page, answer.status]).toEqual([page, 200]);
    for (const link of linksOf(await answer.text(), address)) targets.set(link, page);
  }

  const bodies = new Map<string, string>();
  const faults: string[] = [];
  for (const [link, page] of targets) {
    const [file = "", anchor] = link.split("#");
    if (!bodies.has(file)) {
      const answer = await fetch(file);
      if (answer.status !== 200) faults.push(`${page}: ${link}: ${answer.status}`);
      bodies.set(file, await answer.text());
    }
    const isMissing =
      anchor !== undefined && !bodies.get(file)?.includes(` id="${decodeURIComponent(anchor)}"`);
    if (isMissing) faults.push(`${page}: ${link}: no such heading`);
  }

  expect(faults).toEqual([]);
  expect(targets.size).toBeGreaterThan(500);
  expect((await fetch(`${site}/docs/nothing`)).status).toBe(404);
});

test("each page has its source beside it, and agents find the list of pages", async () => {
  for (const page of listPages()) {
    const answer = await fetch(`${site}/${page}`);
    expect([page, answer.status, answer.headers.get("content-type")]).toEqual([
      page,
      200,
      "text/markdown; charset=utf-8",
    ]);
    expect(await answer.text()).toBe(readPage(page));
  }

  const list = await (await fetch(`${site}/llms.txt`)).text();
  const links = Array.from(list.matchAll(/\]\((?<link>[^)]+)\)/g), ([, link = ""]) => link);
  expect(links).toContain("/docs/errors.md");
  for (const link of links) expect([link, (await fetch(site + link)).status]).toEqual([link, 200]);

  const everything = await (await fetch(`${site}/llms-full.txt`)).text();
  const absent = listPages().filter((page) => !everything.includes(readPage(page)));
  expect(absent).toEqual(["CHANGELOG.md"]);
});

/** What strangers asked, and a page that answers it. */
const QUESTIONS = [
  { question: "AVIF originals 415", page: "/docs/apps" },
  { question: "purge deleted picture proof", page: "/docs/purge-and-warm" },
  { question: "rotate keys without one failed request", page: "/docs/rotate" },
  { question: "SignatureDoesNotMatch", page: "/docs/errors" },
  { question: "max_age browser hour", page: "/docs/cache" },
  { question: "transformations are off, the original is served", page: "/docs/errors" },
  { question: "what does it cost a month", page: "/docs/costs" },
  { question: "missing object AccessDenied 403 ListBucket", page: "/docs/errors" },
  { question: "R2 event notifications purge", page: "/docs/events" },
  { question: "restore old secrets after roll back", page: "/docs/environments" },
] as const;

test("a search finds the page that answers what strangers asked", async () => {
  const page = await newTab();
  await open(page, "/");
  await page.locator(".DocSearch-Button").first().click();
  const field = page.locator("#localsearch-input");
  const results = page.locator("a.result");

  const faults: unknown[] = [];
  for (const { question, page: expected } of QUESTIONS) {
    await field.fill("");
    await results.first().waitFor({ state: "detached" });
    await field.fill(question);
    await results.first().waitFor();

    const links = await results.evaluateAll((elements) =>
      elements.map((link) => link.getAttribute("href")),
    );
    const pages = new Set(links.map((link) => link?.replace(/#.*/, "")));
    const first = [...pages].slice(0, 3);
    if (!first.includes(expected)) faults.push({ question, first });
  }
  expect(faults).toEqual([]);
  await page.close();
});

/** The longest pages first, because two tabs share them. */
const LOOKED_AT = [
  "/docs/configuration",
  "/CHANGELOG",
  "/",
  "/docs/",
  "/docs/access",
  "/docs/facts",
  "/docs/how-it-works",
  "/docs/keyless",
  "/docs/metrics",
  "/docs/rotate",
  "/SECURITY",
  MISSING,
];

/** Makes an empty tab. What it asks of another host, and what the browser complains of, becomes a complaint. */
async function newTab(): Promise<Page> {
  const page = await browser.newPage({ colorScheme: "light", viewport: DESKTOP });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== site)
      complaints.push(`${page.url()} asks ${request.url()}`);
  });
  page.on("console", (message) => {
    const isOfMissingPage =
      page.url() === site + MISSING && message.text().includes("404 (Not Found)");
    if (message.type() === "error" && !isOfMissingPage)
      complaints.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** Opens a page of the site in a tab, and waits until its scripts run: they name the switch of colours. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(site + path);
  await page.getByRole("switch", { name: "Switch to dark theme" }).waitFor();
}

/** What axe finds wrong in a page. The source of axe must be in it. */
async function violationsOf(page: Page, rules: string): Promise<string[]> {
  // Without a selector for each element that is right, axe needs a third of the time.
  const call = `axe.run({ ...${rules}, resultTypes: ["violations"], selectors: false })`;
  const { violations } = await page.evaluate<AxeResults>(call);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`),
  );
}

/** Looks at a page in light, in dark, and at the width of a phone. */
async function faultsOf(page: Page, path: string): Promise<unknown[]> {
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, path);
  await page.evaluate(axe.source);
  const inLight = await violationsOf(page, "{}");

  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("html.dark").waitFor();
  const inDark = await violationsOf(page, "{ runOnly: ['color-contrast'] }"); // all else is as in light

  await page.setViewportSize(PHONE);
  const width = await page.evaluate<number>("document.documentElement.scrollWidth");

  return [
    ...inLight.map((violation) => [path, "light", violation]),
    ...inDark.map((violation) => [path, "dark", violation]),
    ...(width > PHONE.width ? [[path, "phone", width]] : []),
  ];
}

test("twelve pages can be read by everybody, in light, in dark, and on a phone", async () => {
  const pages = [...LOOKED_AT];
  const faults: unknown[] = [];

  /** Takes one page after the other, until there is none. */
  async function lookInOneTab(): Promise<void> {
    const tab = await newTab();
    for (let path = pages.shift(); path !== undefined; path = pages.shift())
      faults.push(...(await faultsOf(tab, path)));
    await tab.close();
  }

  await Promise.all([lookInOneTab(), lookInOneTab()]);
  expect(faults).toEqual([]);
});

test("no page asks another host, and the content security policy stops nothing of the site", () => {
  expect(complaints).toEqual([]);
});

test("while somebody writes, the site shows the pages, and no other file of the project", async () => {
  const port = await freePort();
  const program = join(ROOT, "docs/site/node_modules/vitepress/bin/vitepress.js");
  const writing = spawn(process.execPath, [program, "dev", "--port", `${port}`], {
    cwd: join(ROOT, "docs/site"), // as npm run docs starts it
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void writing.kill());
  await untilReady(writing, "Local:");

  const page = await browser.newPage();
  await page.goto(`http://localhost:${port}/docs/rotate`);
  await page.getByRole("heading", { name: "Rotate the keys of S3" }).waitFor();
  await page.close();

  const secret = await fetch(`http://localhost:${port}/@fs${join(ROOT, "wrangler.toml")}`);
  expect(secret.status).toBe(403);
});
