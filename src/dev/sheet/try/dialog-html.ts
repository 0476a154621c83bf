// The dialog in which a developer tries formats, qualities and focal points. page/try.ts fills it.

import type { Preset } from "../../../worker/config/preset.ts";
import { type Html, html } from "../html.ts";

/** O5 */
const DEFAULT_QUALITY = 85;
const FORMATS = { avif: "AVIF", webp: "WebP", jpeg: "JPEG", png: "PNG" };

/** The button that opens the dialog for a picture, with what it has to know of the preset. */
export function tryButton(label: string, preset: Preset): Html {
  const { width, height, fit, gravity, quality = DEFAULT_QUALITY } = preset;
  const crops = width !== undefined && height !== undefined && /^(?:cover|crop)$/.test(fit); // O4
  const { x, y } = typeof gravity === "object" ? gravity : { x: 0.5, y: 0.5 };
  return html`<button type="button" data-try data-quality="${quality}"${crops && html` data-crops`} data-x="${x}" data-y="${y}" aria-label="${label}">Try</button>`;
}

export function tryDialog(): Html {
  return html`<dialog id="try" aria-labelledby="try-title">
<header><h2 id="try-title"></h2><button type="button" data-close>Close</button></header>
<div class="stage">
<img class="left" alt="" draggable="false"><img class="right" alt="" draggable="false">
<span class="label left"></span><span class="label right"></span><span class="line"></span>
<input class="slider" type="range" min="0" max="100" value="50" aria-label="Where the left picture ends and the right one begins">
</div>
<p id="difference" role="status"></p>
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
<label>Quality <input autocomplete="off" size="12"></label>
<p class="result" role="status"></p>
<pre tabindex="0"><code></code></pre><button type="button" data-copy>Copy</button></fieldset>`;
}
