/** Options of npm: `npm ci` here has fetched most packages already, so ask the registry for the others alone. */
export const OFFLINE = ["--prefer-offline", "--no-audit", "--no-fund"];
