// All broken states.

import { KEYS } from "./keys.ts";
import { SITE } from "./site.ts";
import type { State } from "./state.ts";
import { STORAGE } from "./storage.ts";

export const STATES: readonly State[] = [...KEYS, ...STORAGE, ...SITE];
