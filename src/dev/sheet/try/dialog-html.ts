// The dialog in which a developer tries formats, qualities and focal points. page/try.ts fills it.

import type { Preset } from "../../../worker/config/preset.ts";
import { type Html, html } from "../html.ts";

/** O5 */
const DEFAULT_QUALITY = 85;
const QUALITY_NAMES = ["high", "medium-high", "medium-low", "low"];
const FORMATS = { avif: "AVIF", webp: "WebP", jpeg: "JPEG", png: "PNG" };
/** The points that names of gravity stand for (O4). Any other name looks at the picture. */
const POINTS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ...{ left: [0, 0.5], right: [1, 0.5], top: [0.5, 0], bottom: [0.5, 1] },
};

/** The button that opens the dialog for a picture, with what it has to know of the preset. */
export function tryButton(label: string, preset: Preset): Html {
  const { width, height, fit, gravity = "center", quality = DEFAULT_QUALITY } = preset;
  const crops = width !== undefined && height !== undefined && /^(?:cover|crop)$/.test(fit); // O4
  const [x, y] =
    typeof gravity === "object" ? [gravity.x, gravity.y] : (POINTS[gravity] ?? [0.5, 0.5]);
  return html`<button type="button" data-try data-quality="${quality}" data-crops="${`${crops}`}" data-x="${x}" data-y="${y}" aria-label="${label}">Try</button>`;
}

export function tryDialog(): Html {
  const names = QUALITY_NAMES.map((name) => html`<option value="${name}"></option>`);
  return html`<dialog id="try" aria-labelledby="try-title">
  <header><h2 id="try-title"></h2><button type="button" data-close>Close</button></header>
  <div class="stage">
    <img alt="" draggable="false"><img alt="" draggable="false">
    <span class="label"></span><span class="label of-right"></span><span class="line"></span>
    <input class="slider" type="range" min="0" max="100" value="50" aria-label="Where the left picture ends and the right one begins">
  </div>
  <p id="difference" role="status"></p>
  <div class="sides">${side("Left")}${side("Right")}</div>
  <datalist id="qualities">${names}</datalist>
  <section id="focal">
    <div class="whole"><img alt="The whole picture" draggable="false"><span class="marker"></span></div>
    <fieldset>
      <legend>Focal point</legend>
      <p class="hint">Click where the eye should go, or move the sliders. It holds for every picture of the preset.</p>
      <label>From the left <input type="range" min="0" max="1" step="0.01"></label>
      <label>From the top <input type="range" min="0" max="1" step="0.01"></label>
    </fieldset>
  </section>
  <p class="hint">The local edge encodes in another way than Cloudflare’s: the bytes are only roughly what you will get. The same number is another quality in another format.</p>
</dialog>`;
}

function side(name: string): Html {
  const options = Object.entries(FORMATS).map(
    ([value, text]) => html`<option value="${value}">${text}</option>`,
  );
  return html`<fieldset class="side">
    <legend>${name}</legend>
    <label>Format <select>${options}</select></label>
    <label>Quality <input list="qualities" autocomplete="off" size="12"></label>
    <p class="result" role="status"></p>
    <div class="snippet"><pre tabindex="0"><code></code></pre><button type="button" data-copy>Copy</button></div>
  </fieldset>`;
}
