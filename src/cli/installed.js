// Ends with what to do, if the packages of Vitrine are not installed, or if this Node.js cannot run TypeScript.
// Plain JavaScript without packages, because it runs before `npm ci`, on whatever Node.js there is.

import { existsSync, readFileSync } from "node:fs";

const ROOT = new URL("../..", import.meta.url);

const { dependencies, devDependencies } = JSON.parse(
  readFileSync(new URL("package.json", ROOT), "utf8"),
);
const names = Object.keys({ ...dependencies, ...devDependencies });
const missing = names.filter((name) => !existsSync(new URL(`node_modules/${name}`, ROOT)));

if (missing.length === names.length) {
  stop("The packages of Vitrine are not installed. Run: npm ci");
}
if (missing.length > 0) {
  stop(`Packages of Vitrine are missing: ${missing.join(", ")}. Run: npm ci`);
}
if (!process.features.typescript) {
  const version = "npm start, npm run and npx use the Node.js 24 that npm ci installs";
  const remedy = "If they do not, run npm ci again, and let it run install scripts";
  stop(`Node.js ${process.version} cannot run TypeScript. ${version}. ${remedy}`);
}

function stop(reason) {
  console.error(reason);
  process.exit(2); // it could not be done
}
