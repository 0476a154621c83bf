// What the API answers to wrangler's deploy in an account without Workers, and what was deployed by it.

import { tableOf } from "../../../src/worker/util/json.ts";
import { type ApiAnswer, type ApiRequest, accept, refuse } from "./api-answer.ts";

const VERSION = "00000000-0000-0000-0000-000000000001";

/** A Worker as it was uploaded: its name, and its secrets by their names. */
type Uploaded = {
  readonly worker: string;
  readonly secrets: Readonly<Record<string, string>>;
};

export type WorkersState = {
  readonly uploaded: Uploaded[];
  /** The R2 buckets that wrangler makes: `name`, or `name in eu`. Undefined: R2 is not switched on. */
  buckets: string[] | undefined;
};

/** @param request its path is the one below the account */
export function answerWorkers(state: WorkersState, request: ApiRequest): ApiAnswer {
  const { method, path, body, jurisdiction } = request;

  if (path === "r2/buckets") {
    if (!state.buckets) return refuse(403, 10042, "Please enable R2 through the Dashboard.");
    const name = `${tableOf(body)["name"]}`;
    const created = jurisdiction === undefined ? name : `${name} in ${jurisdiction}`;
    if (method === "POST") state.buckets.push(created);
    return accept({ buckets: [] });
  }

  const { worker } = /^workers\/(?:services|scripts)\/(?<worker>[\w-]+)$/.exec(path)?.groups ?? {};
  if (method === "PUT" && worker) {
    const { inherited } = /"name":"(?<inherited>\w+)","type":"inherit"/.exec(body)?.groups ?? {};
    const isBound = body.includes('"type":"r2_bucket"');
    if (isBound && !state.buckets) return refuse(400, 10085, "R2 bucket not found");
    // wrangler asks for strict ones
    if (inherited) return refuse(400, 10057, `inherit binding '${inherited}' is invalid`);
    state.uploaded.push({ worker, secrets: secretsIn(body) });
  }

  if (method === "GET" && /^workers\/(?:services|scripts)\//.test(path)) {
    return refuse(404, 10007, "This Worker does not exist");
  }
  if (path === "workers/subdomain") return accept({ subdomain: "acme" });
  if (path.endsWith("/changeset")) {
    return accept({ added: [], removed: [], updated: [], conflicting: [] });
  }

  const subdomain = { enabled: false, previews_enabled: false };
  return accept({ id: VERSION, deployment_id: VERSION.replaceAll("-", ""), subdomain });
}

/** The secrets in the first part of an upload, which is JSON. */
function secretsIn(form: string): Record<string, string> {
  const { metadata = "" } =
    /name="metadata"\r\n\r\n(?<metadata>.*?)\r\n--/s.exec(form)?.groups ?? {};
  const bindings = [tableOf(metadata)["bindings"]].flat().map(tableOf);
  const secrets = bindings.filter(({ type }) => type === "secret_text");
  return Object.fromEntries(secrets.map(({ name, text }) => [`${name}`, `${text}`]));
}
