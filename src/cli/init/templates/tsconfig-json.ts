// tsconfig.json of a new project. `wrangler types` writes worker-configuration.d.ts.

export const TSCONFIG_JSON = `{
  "compilerOptions": {
    "target": "ES2024",
    "types": ["@cloudflare/workers-types"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "noEmit": true,
    "strict": true,
    "skipLibCheck": true
  },
  "include": ["src", "worker-configuration.d.ts"]
}
`;
