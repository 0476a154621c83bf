// .github/workflows/vitrine.yml of a new project. docs/environments.md shows the same file: a test compares them.

/** Each by the full commit of its release: a tag may be moved. */
const CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
const SETUP_NODE = "actions/setup-node@820762786026740c76f36085b0efc47a31fe5020 # v7.0.0";

export const WORKFLOW_YML = `name: Vitrine
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
concurrency: # one deploy at a time, and none is cut off
  group: \${{ github.workflow }}-\${{ github.ref }}
  cancel-in-progress: \${{ github.event_name == 'pull_request' }}
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: ${CHECKOUT}
        with: { persist-credentials: false }
      - uses: ${SETUP_NODE}
        with: { node-version: 24 }
      - run: npm ci
      - run: npm run check
  deploy: # not before the repository has this variable: docs/environments.md
    if: github.event_name == 'push' && vars.CLOUDFLARE_ACCOUNT_ID != ''
    needs: check
    runs-on: ubuntu-latest
    timeout-minutes: 15
    environment: production
    steps:
      - uses: ${CHECKOUT}
        with: { persist-credentials: false }
      - uses: ${SETUP_NODE}
        with: { node-version: 24 }
      - run: npm ci
      - run: npx vitrine deploy # and the doctor; if production is an environment: --env production
        env:
          CLOUDFLARE_API_TOKEN: \${{ secrets.CLOUDFLARE_API_TOKEN }}
          CLOUDFLARE_ACCOUNT_ID: \${{ vars.CLOUDFLARE_ACCOUNT_ID }}
          HEALTH_TOKEN: \${{ secrets.HEALTH_TOKEN }}
`;
