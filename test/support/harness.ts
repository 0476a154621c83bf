// Wrangler's test harness, listened to.

import { createTestHarness, type TestHarnessOptions } from "wrangler";
import { overhear, overhearAnswer } from "./overheard.ts";

type Fetch = ReturnType<typeof createTestHarness>["fetch"];

/** Workers in the real runtime. What they log and answer is kept, and searched for secrets. */
export function createHarness(options?: TestHarnessOptions) {
  const server = createTestHarness(options);
  const clearLogs = (): void => {
    for (const { message } of server.getLogs()) overhear("logged", message);
    server.clearLogs();
  };
  const fetch: Fetch = async (input, init) => {
    const answer = await server.fetch(input, init);
    await overhearAnswer(answer);
    return answer;
  };
  return {
    listen: () => server.listen(),
    update: (changed: TestHarnessOptions) => server.update(changed),
    fetch,
    clearLogs,
    /** What was logged since, a line of JSON each. */
    lines: () =>
      server.getLogs().map(({ message }): Record<string, unknown> => JSON.parse(message)),
    close: () => {
      clearLogs();
      return server.close();
    },
  };
}
