// Waits before something that is busy is asked again (A9).

const PAUSE_MS = 300;

/**
 * @param deadline ms since 1970
 * @returns whether there is time to ask again
 */
export async function pauseBefore(deadline: number): Promise<boolean> {
  if (Date.now() + PAUSE_MS >= deadline) return false;
  await scheduler.wait(PAUSE_MS);
  return true;
}
