// .gitignore of a new project: what is made again, and every file that the documentation puts a secret into. This
// repository's own has the same lines: a test compares them.

export const GITIGNORE = `node_modules/
.wrangler/
.dev.vars
.dev.vars.*
!.dev.vars.example
.env
.env.*
worker-configuration.d.ts
*.env
key.json
secrets.json
signing.json
`;
