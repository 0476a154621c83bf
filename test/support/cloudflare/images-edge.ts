// What visitors, and the doctor, see of a zone: the strict edge of this test has what the emulated zone has set.

import { HttpResponse, http } from "msw";
import { network } from "../network.ts";
import { stage } from "../run-worker.ts";
import { doorOf, entriesOf, type Zone } from "./zone.ts";

/** Whether the edge understands entries of Sources that have a path and came by the API: that is open (E14). */
type Options = { readonly readsPaths?: boolean };

/** For what is deployed on the hosts of the zone before this is called. */
export function followZone(zone: Zone, { readsPaths = true }: Options = {}): void {
  const follow = () => {
    const { switches } = stage.edge;
    switches.transformations = zone.transformations !== "off";
    switches.sources = sourcesOf(zone, readsPaths);
    switches.firewall = false; // the rules of the zone are asked below
  };

  network.use(
    http.all(`https://${zone.name}/*`, ({ request }) => {
      follow();
      if (doorOf(zone, request.url) !== "blocked") return undefined;
      return new HttpResponse("<title>Attention Required!</title>", {
        status: 403,
        headers: { "content-type": "text/html", server: "cloudflare" },
      });
    }),
  );
}

function sourcesOf({ transformations, sources }: Zone, readsPaths: boolean): string[] {
  const entries = entriesOf(sources);
  if (transformations === "open" || entries.includes("*")) return ["*.com"];
  return readsPaths ? entries : entries.filter((entry) => !entry.includes("/"));
}
