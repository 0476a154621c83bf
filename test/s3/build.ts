// Builds the Worker, and as the local run has it.

import { BUILT_LOCAL, buildWorker, LOCAL_ENTRY } from "../support/built.ts";
import { beginToListen } from "../support/overheard.ts";

export default async function build(): Promise<void> {
  beginToListen();
  await Promise.all([buildWorker(), buildWorker(LOCAL_ENTRY, BUILT_LOCAL)]);
}
