// Bodies of answers, of which nobody knows how long they are, or whether they come at all.

/** What of an answer has come. */
export type Body = {
  readonly bytes: Uint8Array;
  /** False where there is more than was wanted; that is not read. */
  readonly whole: boolean;
};

/**
 * Sends a request, and reads its answer up to so many bytes. Redirects are not followed.
 * @param patience seconds that may pass until the headers are here, and then between two parts of the body
 * @param take is given the answer before its body is read, and says how many bytes of that are wanted
 * @throws what `fetch` throws; where time is up, a `TimeoutError`
 */
export async function fetchBody(
  url: string,
  init: RequestInit,
  patience: number,
  take: (answer: Response) => number,
): Promise<Body> {
  const abort = new AbortController();
  const late = () => abort.abort(new DOMException("time is up", "TimeoutError"));
  let timer = setTimeout(late, patience * 1000);
  try {
    const signal = init.signal ? AbortSignal.any([init.signal, abort.signal]) : abort.signal;
    const answer = await fetch(url, { ...init, redirect: "manual", signal });
    const most = take(answer);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(late, patience * 1000);
      length += chunk.length;
      if (length > most) return { bytes: Buffer.concat(chunks), whole: false };
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks), whole: true };
  } finally {
    clearTimeout(timer);
  }
}

/** True of what `fetchBody` throws where time is up. */
export function isLate(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** Why `fetch` failed, in the words of what lies under it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
