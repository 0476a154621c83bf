// The Worker as the local run wraps it. The local run writes such an entry itself, with its doors in it.

import { localGateway, localRenditions } from "../../../src/dev/local-worker.ts";
import worker, { Renditions as Deployed } from "../../../src/worker/index.ts";

export class Renditions extends localRenditions(Deployed) {}

export default localGateway(worker);
