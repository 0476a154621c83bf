import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  AngularNodeAppEngine,
  createNodeRequestHandler,
  isMainModule,
  writeResponseToNodeResponse,
} from "@angular/ssr/node";
import { HARD } from "../../keys.ts";
import { friends, signed } from "../../sign.ts";
import { signedSrc } from "../../vitrine.ts";

const KEY = "private/friends.jpg";

const engine = new AngularNodeAppEngine();

/** Answers a request: the signed pictures as JSON, or a page. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/api/friends") {
    const { alt, width, height, style } = await friends();
    const src = signedSrc(KEY, await signed(KEY, "hero"));
    const hard = signedSrc(HARD, await signed(HARD, "hero"));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ alt, width, height, style, src, hard }));
    return;
  }
  const page = await engine.handle(request);
  if (page) return writeResponseToNodeResponse(page, response);
  response.writeHead(404).end();
}

/** Angular's command line looks for it. */
export const reqHandler = createNodeRequestHandler(answer);

if (isMainModule(import.meta.url)) {
  const port = process.env.PORT;
  createServer(answer).listen(port, () => console.log(`listening on ${port}`));
}
