// The version of Vitrine in `--version`, `/healthz` and each line of the log. `npm run build` writes the commit into
// what it compiles (../../build-version.ts). So nothing asks git later, in a project that may have another repository.

/** That of package.json, which a deployed Worker does not have. The build compiles another one in. */
export const BUILD_VERSION = "0.3.0";
