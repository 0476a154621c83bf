// Bindings like those of a Secrets Store: stubs whose get() returns a text or throws.

import { WorkerEntrypoint } from "cloudflare:workers";
import { SECRETS } from "../support/env.ts";

export class KeyId extends WorkerEntrypoint {
  get(): string {
    return SECRETS.AWS_ACCESS_KEY_ID;
  }
}

export class Secret extends WorkerEntrypoint {
  get(): string {
    return SECRETS.AWS_SECRET_ACCESS_KEY;
  }
}

export class SigningKeys extends WorkerEntrypoint {
  get(): string {
    return SECRETS.URL_SIGNING_KEYS;
  }
}

export class Missing extends WorkerEntrypoint {
  get(): string {
    throw new Error('Secret "none" not found');
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
