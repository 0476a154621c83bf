// The protocol of a purge as a page to print: one file that needs nothing else, with everything escaped.

import { BUILD_VERSION } from "../../worker/util/version.ts";
import { type Html, html } from "../files/html.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import type { Protocol } from "./protocol.ts";

type VerifiedObject = NonNullable<Protocol["verified"]>[number];

export function protocolPage(protocol: Protocol): string {
  const { site, began, ended, store, verified = [], browsers } = protocol;

  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Protocol of a purge of ${site}</title>
<style>
${STYLE}
</style>
<h1>Protocol of a purge</h1>
<p><strong>${resultText(protocol)}</strong></p>
<table>
${row("Site", site)}
${row("Began", began)}
${row("Ended", ended)}
${row("Store of renditions", storeText(store))}
${row("Browsers keep", browsersText(browsers))}
</table>
<h2>Purged</h2>
${list(protocol.purged)}
${notPurged(protocol)}
${verified.map(objectSection)}
<h2>What this does not prove</h2>
${list(NOT_PROVED)}
<p>Written by vitrine ${BUILD_VERSION}. The times are those of the machine that ran it.</p>
</html>
`;

  return visible(page.text);
}

/** Black on white, whatever the reader's system prefers: it is printed. */
const STYLE = `:root { color-scheme: light; }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #000; background: #fff; font: 0.9rem/1.5 system-ui, sans-serif; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.2rem 0.5rem 0.2rem 0; border-bottom: 1px solid #bbb; text-align: start; vertical-align: top; }
td, li { overflow-wrap: anywhere; }
.answers td + td { overflow-wrap: normal; }
tr, li { break-inside: avoid; }
h2 { break-after: avoid; overflow-wrap: anywhere; }`;

const NOT_PROVED = [
  "All places of Cloudflare: the URLs were asked for from one. The others drop what they have within seconds of a purge.",
  "What browsers and shared caches in front of the site keep: no purge reaches that. What somebody has saved stays.",
  "That the names above are spelt as the objects were: the proof for a name that nobody has used would be true, and about nothing. If the store deleted no rendition, compare each name with the bucket, with its capital letters.",
  "What other programs, backups or older versions of the bucket have.",
  "What Cloudflare's image edge keeps of the original for an hour, or for the object's own max-age if that is longer. The site does not show that.",
  "URLs of routes and presets that the configuration of this machine does not have. But the purge deletes their renditions, too.",
];

function resultText({ ok, verified, purged }: Protocol): string {
  if (verified === undefined) {
    const names = counted(purged.length, "name");
    if (ok) return `Purged: ${names}. No proof was asked for.`;
    return `Not all is purged, but ${names}. No proof was asked for.`;
  }

  const proved = verified.filter(({ result }) => result === "proved");
  if (ok) return `Proved: the site shows nothing of ${counted(proved.length, "object")} any more.`;
  return `Not proved: ${count(verified.length - proved.length)} of ${counted(verified.length, "object")}.`;
}

function storeText(store: Protocol["store"]): string {
  if (store === undefined) return "There is none.";

  const deleted = `${counted(store.deleted, "rendition")} deleted`;
  if (store.left === "nothing") return `${deleted}. A second list shows that none is left.`;
  return `${deleted}. Whether any is left is not known.`;
}

function browsersText({ max_age: maxAge, until }: Protocol["browsers"]): string {
  const time = `what they have for max_age, ${count(maxAge)} s`;
  if (until === undefined) return `${time}. When the last copy is gone is not known.`;
  return `${time}, and a signed URL with a version until it expires: all of it until ${until} at most.`;
}

function row(name: string, value: string): Html {
  return html`<tr><th>${name}</th><td>${value}</td></tr>`;
}

function list(texts: readonly string[]): Html {
  return html`<ul>
${texts.map((text) => html`<li>${text}</li>\n`)}</ul>`;
}

function notPurged({ not_purged: failures, impossible_names: impossible }: Protocol): Html {
  const texts = failures.map(({ object, reason }) => `${object}: ${reason}`);
  if (impossible > 0) texts.push(counted(impossible, "impossible name"));
  if (texts.length === 0) return html``;
  return html`<h2>Not purged</h2>
${list(texts)}`;
}

function objectSection({ object, names, result, reason, s3, answers, time }: VerifiedObject): Html {
  return html`<h2>${object}</h2>
<table>
${row("Result", result)}
${row("Reason", reason)}
${row("Object", names.join(", "))}
${row("S3 says", s3.join(", "))}
${row("Time", time)}
</table>
${answersTable(answers)}
`;
}

function answersTable(answers: VerifiedObject["answers"]): Html {
  if (answers.length === 0) return html`<p>No URL was asked for.</p>`;

  const rows = answers.map(({ url, browser, answer }) => {
    return html`<tr><td>${url}</td><td>${browser}</td><td>${answer}</td></tr>\n`;
  });
  return html`<table class="answers">
<thead><tr><th>URL</th><th>Best format</th><th>Answer</th></tr></thead>
${rows}</table>
<p>The answer object-missing means: S3 says that it has no such object. A browser whose best format is "none" reads neither AVIF nor WebP. The URLs are written without their signatures.</p>`;
}
