// A request by Node's own client: to any address of this machine, with any Host header and any path, which `fetch` would
// change.

import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";

export type NodeAnswer = {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

type NodeRequest = {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly method?: string;
  readonly body?: string;
};

export function sendByNode({
  address,
  method = "GET",
  body = "",
  ...options
}: NodeRequest): Promise<NodeAnswer> {
  return new Promise((settle, fail) => {
    const outgoing = request({ host: address, method, agent: false, ...options }, (answer) => {
      const { statusCode: status, headers } = answer;
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part));
      answer.on("end", () => settle({ status, headers, body: text }));
    });
    outgoing.on("error", fail).end(body);
  });
}
