// Measures how the Worker scales: more routes and presets, longer keys, more keys.

import { builtWorker, COLLECT, type Running, start } from "../support/workerd.ts";
import { type Load, measure } from "./load.ts";
import { seeded } from "./random.ts";
import { again, differentKeys, type Subject, VARS } from "./subjects.ts";

const MOST_MORE = 1.05;

/** What larger configurations and longer keys are compared with. */
const SMALLEST = "1 route, 1 preset";
const SHORTEST = "a key of 10 bytes";

/** The Worker with 1, 100 and 1,000 routes and presets. The last one is asked for. */
export function sizesOfConfiguration(): Subject[] {
  return [1, 100, 1_000].map((count) => {
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const presets = numbers.map((at) => [`preset-${at}`, { width: 400 + at, dpr: [1, 2] }]);
    const vars = {
      ...VARS,
      ROUTES: numbers.map((at) => ({ path: `/site-${at}/:preset/*`, object: "media/*" })),
      PRESETS: Object.fromEntries(presets),
    };
    return {
      name: count === 1 ? SMALLEST : `${count} routes and presets`,
      note: "the last of them is asked for",
      script: builtWorker(vars),
      draw: again(`/site-${count}/preset-${count}/photos/dandelion.jpg`),
      ...(count > 1 && { floor: SMALLEST, limit: MOST_MORE }),
    };
  });
}

/** Keys of 10 and of 1,000 bytes. */
export function lengthsOfKeys(): Subject[] {
  return [10, 1_000].map((bytes) => ({
    name: bytes === 10 ? SHORTEST : `a key of ${bytes} bytes`,
    note: "one URL",
    ...(bytes > 10 && { floor: SHORTEST }),
    script: builtWorker(VARS),
    draw: again(`/images/card/${"k".repeat(bytes - 4)}.jpg`),
  }));
}

/** Bytes in use on the heap after a garbage collection, and bytes of the whole process. */
export type Memory = { readonly keys: number; readonly heap: number; readonly process: number };

/** How many keys are asked for in one portion. */
const STEP = 10_000;

/**
 * Measures the memory after each count of different keys.
 * @param counts ascending
 * @param step is called after each 10,000 keys
 */
export async function watchMemory(counts: readonly number[], step: () => void): Promise<Memory[]> {
  const running = await start(builtWorker(VARS), { inspected: true });
  const draw: (count: number) => Load = differentKeys();
  const seen: Memory[] = [];
  try {
    let keys = 0;
    for (const count of counts) {
      while (keys < count) {
        const next = Math.min(STEP, count - keys);
        await measure(running, draw(next));
        keys += next;
        step();
      }
      seen.push({ keys, heap: await heapOf(running), process: running.memory() });
    }
  } finally {
    await running.stop();
  }
  return seen;
}

/** Forces a garbage collection, and reads the size of the heap from the inspector. */
async function heapOf({ port, inspector }: Running): Promise<number> {
  await (await fetch(`http://127.0.0.1:${port}${COLLECT}`)).arrayBuffer();
  const socket = new WebSocket(`ws://127.0.0.1:${inspector}/main`);
  const text = await new Promise<string>((settle, fail) => {
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" }));
    });
    socket.addEventListener("message", ({ data }) => settle(`${data}`));
    socket.addEventListener("error", () => fail(new Error("the inspector does not answer")));
  });
  socket.close();
  const { result }: { result: { usedSize: number } } = JSON.parse(text);
  return result.usedSize;
}

/** Median time from the start of the process to the first answer, in ms, for each Worker in turn. */
export async function firstAnswers(
  subjects: readonly Subject[],
  times: number,
  step: () => void,
): Promise<number[]> {
  const random = seeded(1);
  const all = subjects.map((): number[] => []);
  for (let round = 0; round < times; round++) {
    for (const [at, { script, draw }] of subjects.entries()) {
      const { paths, headers } = await draw(1, random);
      const began = performance.now();
      const running = await start(script);
      const answer = await fetch(`http://127.0.0.1:${running.port}${paths[0]}`, { headers });
      await answer.arrayBuffer();
      all[at]?.push(performance.now() - began);
      await running.stop();
      if (!answer.ok) throw new Error(`the first answer is ${answer.status}`);
      step();
    }
  }
  return all.map((one) => one.toSorted((a, b) => a - b)[one.length >> 1] ?? Number.NaN);
}
