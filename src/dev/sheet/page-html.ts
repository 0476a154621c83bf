// The contact sheet, which is the page of the local run: all objects of the local buckets at all presets, as HTML. What only a
// browser knows is filled in by page/sheet.ts: the candidate that it chose, and its size. In a template, `false` and `undefined`
// print nothing.

import { page } from "../../cli/command.ts";
import { FREE } from "../../cli/config/transformations.ts";
import { attributes, type Html, html } from "../../cli/files/html.ts";
import { commandLine, shellQuote } from "../../cli/terminal/shell.ts";
import { candidatesFor } from "../../client/candidates.ts";
import { dimensionsOf } from "../../client/dimensions.ts";
import { decodePath } from "../../url/encoding.ts";
import type { Preset } from "../../worker/config/preset.ts";
import { BROKEN, FIXTURE_OBJECTS } from "../fixture-objects.ts";
import { appFileCommand, callSnippet } from "./app-snippets.ts";
import { formatBytes } from "./format-bytes.ts";
import type { SheetObject, SheetRendition } from "./sheet-objects.ts";
import {
  claimsText,
  fieldsOf,
  ownerOf,
  type PictureOwner,
  type SignIn,
  type SignInField,
} from "./sign-in.ts";

/** How the contact sheet looks for a client. */
export type SheetView = {
  /** The URL of the local run for this client: `http://localhost:8787`. */
  readonly address: string;
  /** Whether the page has nothing that changes something, because this client may not. */
  readonly isReadOnly: boolean;
};

type Page = SheetView & {
  readonly tag: string;
  /** The mistakes of the configuration files. */
  readonly mistakes: readonly string[];
  /** Undefined: the local run shows no bucket, or was started with mistakes. */
  readonly objects: readonly SheetObject[] | undefined;
  /** How to sign in, for routes that need a token. */
  readonly signIns: readonly SignIn[];
  /** The file, such as .dev.vars, whose ROUTES name issuers of their own. Then nobody signs in here. */
  readonly issuersFile: string | undefined;
};

/** The quality of a preset without one (O5). */
const DEFAULT_QUALITY = 85;
const FORMATS = { avif: "AVIF", webp: "WebP", jpeg: "JPEG", png: "PNG" };

/** @returns the whole document */
export function pageHtml(sheet: Page): string {
  const { isReadOnly, tag, mistakes, objects, signIns, issuersFile } = sheet;

  // Fixtures that are broken on purpose are not shown. An unreadable object is one of the project that no engine reads.
  const broken = new Set(BROKEN.map(({ key }) => key));
  const shownObjects = (objects ?? []).filter(({ key }) => !broken.has(key));
  shownObjects.sort((a, b) => rankOf(a) - rankOf(b));

  const pictures = shownObjects.filter(isPicture);
  const unreadable = shownObjects.filter((object) => !isPicture(object));
  const free = FREE.toLocaleString("en");
  const costs = page("docs/costs.md");

  const document = html`<!doctype html>
<html lang="en" data-tag="${tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Vitrine: contact sheet</title>
<link rel="icon" href="/.vitrine/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/.vitrine/sheet.css">
<script type="module" src="/.vitrine/sheet.js"></script>
</head>
<body>
<a class="skip" href="#sheet">Skip to the pictures</a>
<header>
<h1>Contact sheet</h1>
<p class="hint">Every picture of the local bucket at every preset, as this browser gets it.</p>
${mistakes.length > 0 && mistakesHtml(mistakes)}
<div class="tools">
<label>Filter <input id="filter" type="search" placeholder="a part of a key" autocomplete="off"></label>
${objects && !isReadOnly && html`<div class="add"><label class="button" for="files">Add pictures</label><input id="files" type="file" accept="image/*" multiple> <span class="hint">or drop them on this page: they stay on this machine</span></div>`}
</div>
${!isReadOnly && signIns.map(signInHtml)}
${isReadOnly && html`<p>This device only looks. To add, to try and to sign in, open <code>http://localhost</code> on the machine itself.</p>`}
${issuersFile !== undefined && html`<p>Nobody can sign in here: the <code>ROUTES</code> in ${issuersFile} name issuers that are asked themselves. To sign in as anybody, remove <code>ROUTES</code> from ${issuersFile}.</p>`}
<p id="total" role="status"></p>
<p class="hint">Cloudflare bills each unique transformation, one object with one set of options, once a month. The first ${free} are free: see ${costs}.</p>
</header>
<main id="sheet" tabindex="-1">
<h2 aria-live="polite">${objects && `${pictures.length} objects`}</h2>
${objects === undefined && mistakes.length === 0 && html`<p>.dev.vars names an S3 of your own. The contact sheet does not list its objects.</p>`}
${unreadable.length > 0 && html`<p class="fault">The local edge cannot read these objects: ${unreadable.map(({ key }) => html`<code>${key}</code> `)}</p>`}
${pictures.map((object) => objectHtml(object, sheet))}
</main>
<p id="message" role="status"></p>
${tryDialog()}
</body>
</html>
`;

  return document.text;
}

/** The fixtures, which come with this project, have the order of their list. */
const FIXTURE_RANKS: ReadonlyMap<string, number> = new Map(
  FIXTURE_OBJECTS.map(({ key }, index) => [key, index]),
);

/** Any other object is one of the developer's own. These come first. */
const OWN_RANK = -1;

type Keyed = { readonly key: string };

function rankOf({ key }: Keyed): number {
  return FIXTURE_RANKS.get(key) ?? OWN_RANK;
}

function isOwn({ key }: Keyed): boolean {
  return !FIXTURE_RANKS.has(key);
}

/** Returns whether an object is a picture, also one that the local edge cannot read, such as a JPEG XL. */
function isPicture({ picture, format }: SheetObject): boolean {
  return picture !== undefined || format !== undefined;
}

function mistakesHtml(mistakes: readonly string[]): Html {
  const items = mistakes.map((mistake) => html`<li><code>${mistake}</code></li>`);
  return html`<section class="mistakes" role="alert" aria-labelledby="mistakes">
<h2 id="mistakes">The configuration has mistakes</h2>
<ul>${items}</ul>
<p>Correct the file and save it: this page goes on by itself. <code>npx vitrine check</code> says the same, for all environments. Pictures may fail until then.</p>
</section>`;
}

function objectHtml(object: SheetObject, sheet: Page): Html {
  const { key, bytes, renditions, refusals, costs } = object;
  const costTexts = Object.entries(costs.presets).map(([preset, count]) => `${preset} ${count}`);
  const cost = `Unique transformations: at most ${costs.all} (${costTexts.join(", ")}; equal ones count once)`;

  return html`<article data-key="${key}" data-bytes="${bytes}">
<header>
<h3 class="key">${key}</h3>
<p>${describe(object)}</p>
${renditions.length > 0 && html`<p>${cost}</p>`}
${renditions.length + refusals.length === 0 && html`<p>No route leads to this object.</p>`}
${refusals.map((refusal) => html`<p class="fault">Not shown: ${refusal}</p>`)}
${isOwn(object) && !sheet.isReadOnly && html`<button type="button" data-remove aria-label="Delete ${key} from the local bucket">Delete</button>`}
</header>
${renditions.map((rendition) => figureHtml(rendition, object, sheet))}
</article>
`;
}

/** `JPEG, 300 × 400, 12 kB`, without the sides if they are not known. */
function describe({ picture, format, bytes }: SheetObject): string {
  const name = format ?? picture?.format.toUpperCase();
  const sides = picture && `${picture.width} × ${picture.height}`;
  return [name, sides, formatBytes(bytes)].filter(Boolean).join(", ");
}

function figureHtml(
  rendition: SheetRendition,
  object: SheetObject,
  { address, isReadOnly, signIns }: Page,
): Html {
  const { name, preset, client, route, query } = rendition;
  const { key, picture } = object;

  const url = client.imageUrl(key, name, query);
  const [path = ""] = url.split("?", 1);
  const decodedPath = decodePath(path) ?? "";

  // A picture that only a header opens cannot be in an <img>.
  const owner = ownerOf(route, decodedPath, signIns);
  if (owner !== undefined && signIns[owner.group]?.cookie === undefined) {
    return bearerFigureHtml(rendition, owner, address + path);
  }

  // On a wide page, a figure has at most 46rem. On a narrow one, it has the width of the page without its margins.
  const hasSizes = preset.widths !== undefined;
  const maxWidth = dimensionsOf(preset, picture).width ?? preset.width ?? 0;
  const wide = `(min-width: 72rem) min(46rem, ${maxWidth}px)`;
  const narrow = `min(${maxWidth}px, calc(100vw - 4rem))`;
  const sizes = `${wide}, ${narrow}`;
  const options = { alt: `${key}, as ${name}`, original: picture, query, sizes };

  return html`<figure class="${hasSizes && "fluid"}">
<div class="mat"><img${attributes(client.imgProps(key, name, options))}></div>
<figcaption>
<h4>${name}</h4>
${owner && ownerHtml(key, name, owner, isReadOnly)}
${factsHtml(rendition, object)}
${picture?.format !== "svg" && !isReadOnly && tryButton(`Try ${key} as ${name}`, preset)}
${codeHtml(rendition, object, address)}
${edgeHtml(rendition)}
</figcaption>
</figure>
`;
}

/** The facts that the script of the page fills in. */
const FACTS = ["Format", "Pixels", "Bytes", "Saved"];

function factsHtml({ name, client, query }: SheetRendition, { key, picture }: SheetObject): Html {
  const facts = FACTS.map((term) => html`<dt>${term}</dt><dd data-fact="${term}">…</dd>`);
  const candidates = candidatesFor(client.site, name, picture).map(({ variant, as }) => {
    const url = client.imageUrl(key, variant, query);
    return html`<li data-variant="${variant}"><a href="${url}"><code>${as}</code></a></li> `;
  });

  return html`<dl>${facts}<dt>srcset</dt><dd><ul class="candidates">${candidates}</ul></dd></dl>`;
}

/** What a developer pastes into an app. */
function codeHtml(
  { name, preset, clientName, route }: SheetRendition,
  { key, picture }: SheetObject,
  address: string,
): Html {
  const call = {
    client: clientName,
    key,
    preset: name,
    hasSizes: preset.widths !== undefined,
    signed: route.signing !== undefined,
    original: picture,
  };

  return html`<details><summary>Code</summary><p class="hint">Once, for the file that the code imports. If the app has the package, leave out <code>--standalone</code>:</p>
${snippet(appFileCommand(address))}${snippet(callSnippet(call))}</details>`;
}

function edgeHtml({ preset, largest, edgeCall }: SheetRendition): Html {
  if (edgeCall === undefined) {
    return html`<details><summary>What the edge is asked</summary><p>The Images binding makes it. The edge is not asked.</p></details>`;
  }

  const isFocused = preset.gravity === "object";
  return html`<details><summary>What the edge is asked</summary><p><code>cf.image</code> for ${largest}, where the browser reads AVIF${isFocused && ", and the object has no focal point"}:</p>${snippet(edgeCall)}</details>`;
}

/** The form that signs in, and who is signed in, which the script of the page fills in. */
function signInHtml(signIn: SignIn, index: number): Html {
  const paths = signIn.routes.map(({ path }) => html`<code>${path}</code> `);
  const head = html`<section class="sign-in" data-group="${index}" aria-labelledby="sign-in-${index}">
<h2 id="sign-in-${index}">Sign in for ${paths}</h2>`;

  if (signIn.cookie === undefined) {
    return html`${head}<p>These routes name no cookie, so only <code>Authorization: Bearer</code> opens them. Each picture has its <code>curl</code> line.</p></section>`;
  }

  const fields = fieldsOf(signIn).map(fieldHtml);
  return html`${head}
<form class="tools"><span>Sign in as</span> ${fields}<button>Sign in</button></form>
<p class="tools"><span role="status" data-signed-in></span> <button type="button" data-sign-out hidden>Sign out</button></p>
<p class="hint">The local run signs a token for it, in the cookie <code>${signIn.cookie}</code>. In production, the login of your app does.</p>
</section>`;
}

function fieldHtml({ claim, choices }: SignInField): Html {
  if (choices === undefined) {
    return html`<label>${claim} <input name="${claim}" autocomplete="off" spellcheck="false"></label> `;
  }

  const items = choices.map((text) => html`<option>${text}</option>`);
  return html`<label>${claim} <select name="${claim}">${items}</select></label> `;
}

/** Who sees a picture, and a button that signs in as them. */
function ownerHtml(
  key: string,
  preset: string,
  { group, claims }: PictureOwner,
  isReadOnly: boolean,
): Html {
  const text = claimsText(claims) || "anybody who is signed in";
  const texts = firstTexts(claims);

  const [name] = Object.values(texts);
  const label = name === undefined ? "Sign in" : `Sign in as ${name}`;
  const hint = html`<p class="hint" data-owner>Only for ${text}</p>`;
  if (isReadOnly) return hint;

  return html`${hint}
<button type="button" data-sign-in-as="${JSON.stringify(texts)}" data-group="${group}" aria-label="${label}, for ${key} as ${preset}">${label}</button>`;
}

/** Returns the first text of each claim. */
function firstTexts(claims: PictureOwner["claims"]): Record<string, string | undefined> {
  const pairs = [...claims].map(([claim, [first]]) => [claim, first] as const);
  return Object.fromEntries(pairs);
}

/**
 * The figure of a picture that no cookie opens, so no `<img>` can show it. It has a line that fetches the picture:
 * `curl -o picture -H "Authorization: Bearer $(npx vitrine token …)" 'http://localhost:8787/…'`.
 */
function bearerFigureHtml(
  { name, route }: SheetRendition,
  { claims }: PictureOwner,
  url: string,
): Html {
  const { sub, ...others } = firstTexts(claims);
  const claim = Object.entries(others).map(([claimName, text]) => `${claimName}=${text}`);
  const flags = { route: route.path, sub, claim, url: new URL(url).origin };
  const command = commandLine("token", flags);
  const line = `curl -o picture -H "Authorization: Bearer $(${command})" ${shellQuote(url)}`;

  return html`<figure data-bearer>
<figcaption>
<h4>${name}</h4>
<p>Only <code>Authorization: Bearer</code> opens it:</p>
${snippet(line)}
</figcaption>
</figure>
`;
}

/** Code to read and to copy. It can have the focus, so that the keyboard can scroll it. */
function snippet(code: string): Html {
  return html`<pre tabindex="0"><code>${code}</code></pre><button type="button" data-copy>Copy</button>`;
}

const CENTRE = { x: 0.5, y: 0.5 };

/** The button that opens the dialog for a picture. Its `data-` attributes say what the preset has: quality and focal point. */
function tryButton(label: string, preset: Preset): Html {
  const { width, height, fit, gravity, quality = DEFAULT_QUALITY } = preset;

  // Only a picture that is cut has a focal point (O4).
  const hasBothSides = width !== undefined && height !== undefined;
  const crops = hasBothSides && /^(?:cover|crop)$/.test(fit);
  const { x, y } = typeof gravity === "object" ? gravity : CENTRE;

  return html`<button type="button" data-try data-quality="${quality}"${crops && html` data-crops`} data-x="${x}" data-y="${y}" aria-label="${label}">Try</button>`;
}

function tryDialog(): Html {
  return html`<dialog id="try" aria-labelledby="try-title">
<header><h2 id="try-title"></h2><button type="button" data-close>Close</button></header>
<div class="stage">
<img class="left" alt="" draggable="false"><img class="right" alt="" draggable="false">
<span class="label left"></span><span class="label right"></span><span class="line"></span>
<input class="slider" type="range" min="0" max="100" value="50" aria-label="Where the left picture ends and the right one begins">
</div>
<div class="sides">${sideHtml("Left")}${sideHtml("Right")}</div>
<fieldset id="focal"><legend>Focal point, for every picture of the preset</legend>
<label>From the left <input type="range" min="0" max="1" step="0.01"></label>
<label>From the top <input type="range" min="0" max="1" step="0.01"></label></fieldset>
<p class="hint">The local edge encodes in another way than Cloudflare’s: the bytes are only roughly what you will get.</p>
</dialog>`;
}

function sideHtml(name: string): Html {
  const options = Object.entries(FORMATS).map(
    ([value, text]) => html`<option value="${value}">${text}</option>`,
  );
  return html`<fieldset id="${name.toLowerCase()}"><legend>${name}</legend>
<label>Format <select>${options}</select></label>
<label>Quality <input autocomplete="off" size="6"></label>
<p class="result" role="status"></p>
<pre tabindex="0"><code></code></pre><button type="button" data-copy>Copy</button></fieldset>`;
}
