// .dev.vars.example of a new project. This repository's own begins with the same lines: a test compares them.

const TOKEN = `
# The token opens the deep form of /healthz: docs/doctor.md, "Health".
# HEALTH_TOKEN="a token of 16 characters or more"
`;

export const DEV_VARS_EXAMPLE = `# The access key of the bucket. Write yours into a copy of this file: docs/deploy.md, step 5.
# Empty on your own machine: the local run has keys of its own.
# No line without a # has a value here: Cloudflare's Deploy button would deploy it.
AWS_ACCESS_KEY_ID=""
AWS_SECRET_ACCESS_KEY=""
${TOKEN}`;

/** The same for an R2 bucket that a binding reaches: there is no key. */
export const BOUND_DEV_VARS_EXAMPLE = `# The bucket needs no key, so no secret is needed here. A copy of this file named .dev.vars is
# for the local run. Cloudflare's Deploy button asks for each line without a #.
${TOKEN}`;
