// For the commands that do not use `openProject` yet.

import type { Fault, World } from "../command.ts";
import type { ConfigFault } from "./config-fault.ts";
import { type OpenOptions, openProject } from "./open-project.ts";
import type { Project } from "./project.ts";

export { slotsAtHand } from "./project.ts";
export { readSecretsFile } from "./secrets.ts";

export type Operator = Project;

export function readOperator(world: World, options: OpenOptions): Project | Fault | ConfigFault {
  return openProject(world, options);
}
