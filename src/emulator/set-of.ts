// The settings that are set.

/** Returns the settings without those that are undefined: these are as if they were left out. */
export function setOf<Settings extends object>(settings: Settings): Partial<Settings> {
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  const found: Partial<Settings> = {};
  return Object.assign(found, Object.fromEntries(set));
}
