// Follows the local run: asks every second whether anything changed, while the page is visible.

import type { SheetAnswer } from "../data.ts";

/** How often to ask, in ms. */
const EVERY_MS = 1_000;
/** How long an answer may take, in ms. While wrangler takes up a change, it may hold requests back. */
const PATIENCE_MS = 10_000;

type Follower = {
  /** Draws what changed. `isBack`: the local run did not answer the last time. */
  readonly draw: (answer: SheetAnswer, isBack: boolean) => void;
  readonly lost: () => void;
};

/** @returns a function that looks at once, and is done when it has drawn */
export function follow({ draw, lost }: Follower): () => Promise<void> {
  let tag: string | undefined;
  let isLost = false;
  let timer = 0;
  let last = Promise.resolve();

  async function lookOnce(): Promise<void> {
    let answer: SheetAnswer | undefined;
    try {
      if (tag !== undefined && !isLost && (await (await ask("tag")).text()) === tag) return;
      answer = await (await ask("sheet.json")).json();
    } catch {
      isLost = true;
      tag = undefined;
      return lost();
    }
    if (answer === undefined) return;
    tag = answer.tag;
    const isBack = isLost;
    isLost = false;
    draw(answer, isBack);
  }

  /** One look after another, so an older answer is never drawn over a newer one. */
  function look(): Promise<void> {
    last = last.then(lookOnce);
    return last;
  }

  async function goOn(): Promise<void> {
    clearTimeout(timer);
    if (document.visibilityState !== "visible") return;
    await look();
    clearTimeout(timer);
    timer = setTimeout(goOn, EVERY_MS);
  }

  document.addEventListener("visibilitychange", goOn);
  void goOn();
  return look;
}

/** @throws if there is no good answer */
async function ask(what: string): Promise<Response> {
  const answer = await fetch(`/.vitrine/${what}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}
