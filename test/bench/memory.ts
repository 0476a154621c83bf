// npm run bench:memory: prints what the built Worker holds in memory at most, in Cloudflare's runtime, while many visitors
// ask for large pictures at once. About a minute. An isolate has 128 MB. `-- six page` measures these cases alone.

import { buildWorker } from "../support/built.ts";
import { CASES, type MemoryCase, measure } from "./memory/cases.ts";

const names = process.argv.slice(2);
await buildWorker();

console.log("| at once | live, at most | answers |");
console.log("| --- | --- | --- |");
for (const [name, memoryCase] of Object.entries<MemoryCase>(CASES)) {
  const isSelected = names.length === 0 || names.includes(name);
  if (!isSelected) continue;

  const { live, statuses } = await measure(memoryCase);
  const answers = Object.entries(statuses).map(([status, times]) => `${times} × ${status}`);
  console.log(`| ${memoryCase.name} | ${Math.round(live / 1e6)} MB | ${answers.join(", ")} |`);
}
