// Wrangler's test harness. It records all logs and answers, to be searched for secrets.

import { createTestHarness, type TestHarnessOptions } from "wrangler";
import { overhear, overhearAnswer, readLogLine } from "./overheard.ts";

type Fetch = ReturnType<typeof createTestHarness>["fetch"];

/** Runs Workers in the real runtime. The end of the test run searches their logs and answers for secrets. */
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
    /** The lines that were logged since the last `clearLogs`, each parsed from JSON. */
    lines: () =>
      server.getLogs().map(({ message }): Record<string, unknown> => readLogLine(message)),
    close: () => {
      clearLogs();
      return server.close();
    },
  };
}
