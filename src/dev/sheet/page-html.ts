// The contact sheet as one page of HTML: all objects at all presets. What only a browser knows, page/sheet.ts fills
// in: what it chose, and how large that is.

import { FREE } from "../../cli/config/transformations.ts";
import { dimensionsOf } from "../../client/dimensions.ts";
import { BROKEN, HARD_KEYS, OBJECTS } from "../objects.ts";
import { callText, clientCommand } from "./code.ts";
import type { Rendition, Shown } from "./contents.ts";
import type { Call } from "./edge-calls.ts";
import { attributes, type Html, html } from "./html.ts";
import { tryButton, tryDialog } from "./try/dialog-html.ts";
import { bytesOf, counted } from "./words.ts";

type Page = {
  readonly address: string;
  readonly tag: string;
  /** What is wrong in the configuration as it is written. */
  readonly mistakes: readonly string[];
  /** Undefined: the local run shows no bucket, or was started with mistakes. */
  readonly shown: { readonly objects: readonly Shown[]; readonly canAdd: boolean } | undefined;
};

/** @returns the whole document */
export function pageHtml({ address, tag, mistakes, shown }: Page): string {
  const { objects = [], canAdd = false } = shown ?? {};
  const places = new Map(OBJECTS.map(({ key }, at) => [key, at]));
  const placeOf = ({ key }: Shown) => places.get(key) ?? -1;
  const isRefused = ({ key, picture }: Shown) => !picture || BROKEN.some((one) => one.key === key);
  const sorted = objects.toSorted((one, other) => placeOf(one) - placeOf(other));
  const groups = Object.groupBy(sorted, (object) => {
    if (isRefused(object)) return "refused";
    if (placeOf(object) < 0) return "own";
    return HARD_KEYS.includes(object.key) ? "hard" : "plain";
  });
  const { refused = [], own = [], hard = [], plain = [] } = groups;
  const draw = (list: readonly Shown[], isOwn = false) =>
    list.map((object) => objectHtml(object, address, isOwn));
  const section = (title: string, list: readonly Shown[], isOwn: boolean) =>
    list.length > 0 &&
    html`<section><h2>${title} <span class="count">${list.length}</span></h2>${draw(list, isOwn)}</section>`;
  const page = html`<!doctype html>
<html lang="en" data-tag="${tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Vitrine: contact sheet</title>
<link rel="icon" href="/.vitrine/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/.vitrine/sheet.css">
<script type="module" src="/.vitrine/sheet.js"></script>
</head>
<body>
<a class="skip" href="#sheet">Skip to the pictures</a>
<header>
<h1>Contact sheet</h1>
<p class="lead">Every picture of the local bucket at every preset, as this browser gets it.</p>
${mistakes.length > 0 && mistakesHtml(mistakes, shown !== undefined)}
<div class="tools">
<label class="filter">Filter <input id="filter" type="search" placeholder="a part of a key" autocomplete="off"></label>
${canAdd && html`<div class="add"><label class="button" for="files">Add pictures</label><input id="files" type="file" accept="image/*" multiple> <span class="hint">or drop them on this page: they stay on this machine</span></div>`}
</div>
<p id="total" role="status"></p>
<p class="hint">Cloudflare bills each unique transformation, one object with one set of options, once a month. The first ${FREE.toLocaleString("en")} are free: <a href="/.vitrine/costs.md">costs</a>.</p>
</header>
<main id="sheet" tabindex="-1">
${shown === undefined && mistakes.length === 0 && html`<p>.dev.vars names an S3 of your own. The contact sheet does not list its objects.</p>`}
${section("Your own", own, true)}
${section("Pictures", plain, false)}
${hard.length > 0 && html`<section><details><summary><h2>Keys that are hard to spell <span class="count">${hard.length}</span></h2></summary>${draw(hard)}</details></section>`}
</main>
${refused.length > 0 && refusedHtml(refused)}
<p id="said" role="status"></p>
${tryDialog()}
<noscript>Without JavaScript, formats and sizes are not measured.</noscript>
</body>
</html>
`;
  return page.text;
}

function mistakesHtml(mistakes: readonly string[], hasPictures: boolean): Html {
  const items = mistakes.map((mistake) => html`<li><code>${mistake}</code></li>`);
  return html`<section class="mistakes" role="alert" aria-labelledby="mistakes">
<h2 id="mistakes">The configuration has mistakes</h2>
<ul>${items}</ul>
<p>Correct the file and save it: this page goes on by itself. <code>npx vitrine check</code> says the same, for all environments.${hasPictures && " The pictures are those from before. New ones may fail until then."}</p>
</section>`;
}

function objectHtml(object: Shown, address: string, isOwn: boolean): Html {
  const { key, bytes, picture, renditions, costs } = object;
  if (picture === undefined) return html``;
  const { format, width, height } = picture;
  const each = Object.entries(costs.presets).map(([preset, count]) => `${preset} ${count}`);
  const sum = Object.values(costs.presets).reduce((all, count) => all + count, 0);
  const same = sum > costs.all ? ". Equal options count once" : "";
  const cost = `${counted(costs.all, "unique transformation")}: ${each.join(", ")}${same}`;
  return html`<article data-key="${key}" data-bytes="${bytes}">
<header>
<h3 class="key">${key}</h3>
<p>${format.toUpperCase()}, ${width} × ${height}, ${bytesOf(bytes)}</p>
<p>${renditions.length > 0 ? cost : "No route leads to this object."}</p>
${isOwn && html`<button type="button" data-remove aria-label="Delete ${key} from the local bucket">Delete</button>`}
</header>
${renditions.map((rendition) => figureHtml(rendition, object, address))}
</article>
`;
}

const FACTS = ["Format", "Pixels", "Bytes", "Saved", "Time", "Variant"];

function figureHtml(rendition: Rendition, { key, picture, costs }: Shown, address: string): Html {
  const { name, preset, client, query } = rendition;
  const { widths } = preset;
  const original = picture;
  const most = dimensionsOf(preset, original).width ?? preset.width ?? 0;
  const sizes = `(min-width: 72rem) min(46rem, ${most}px), min(${most}px, calc(100vw - 4rem))`;
  const options = { alt: `${key}, as ${name}`, original, query, sizes };
  const candidates = client.site.shown.get(name)?.candidates ?? [];
  const unique = counted(costs.presets[name] ?? 0, "unique transformation");
  return html`<figure class="${widths ? "fluid" : ""}">
<div class="mat"><img${attributes(client.imgProps(key, name, options))}></div>
<figcaption>
<h4>${name}</h4>
<dl>${FACTS.map((term) => html`<dt>${term}</dt><dd data-fact="${term}">…</dd>`)}<dt>srcset</dt><dd><ul class="candidates">${candidates.map(
    ({ variant, as }) =>
      html`<li data-variant="${variant}" data-url="${client.imageUrl(key, variant, query)}"><code>${as}</code></li> `,
  )}</ul></dd></dl>
${picture?.format !== "svg" && tryButton(`Try ${key} as ${name}`, preset)}
${codeHtml(rendition, key, address)}
<details data-calls><summary>What the edge is asked</summary><div class="calls"><p>The picture is not loaded yet.</p></div>
<p>The preset has ${counted(candidates.length, "candidate")}. An object in all of them costs ${unique}, whatever the formats.</p></details>
</figcaption>
</figure>
`;
}

function codeHtml({ name, preset, clientName, route }: Rendition, key: string, address: string) {
  const hasSizes = preset.widths !== undefined;
  const signed = route.signing !== undefined;
  const call = { client: clientName, key, preset: name, hasSizes, signed };
  return html`<details><summary>Code</summary>
<p class="hint">Once, for the file that the code imports:</p>
${snippet(clientCommand(address))}${snippet(callText(call))}</details>`;
}

/** Code to read and to copy. It has the focus of the keyboard, which then can scroll it. */
function snippet(code: string): Html {
  return html`<div class="snippet"><pre tabindex="0"><code>${code}</code></pre><button type="button" data-copy>Copy</button></div>`;
}

/** What the edge is asked for a variant, below the picture. */
export function callsHtml(variant: string, calls: readonly Call[]): Html {
  return html`${calls.map(({ by, when, code }) => {
    const what = by === "binding" ? html`The Images binding` : html`<code>cf.image</code>`;
    return html`<p>${what} for ${variant} in this browser${when && `, ${when}`}:</p>${snippet(code)}`;
  })}`;
}

function refusedHtml(objects: readonly Shown[]): Html {
  const items = objects.flatMap(({ key, renditions: [first] }) => {
    if (first === undefined) return [];
    const url = first.client.imageUrl(key, first.name, first.query);
    return [html`<li><a href="${url}">${key}</a></li>`];
  });
  return html`<footer><h2>Refused</h2>
<p>These objects are damaged, or they are no pictures. Open one and read its line in the log.</p>
<ul>${items}</ul></footer>`;
}
