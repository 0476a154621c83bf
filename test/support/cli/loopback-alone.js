// Preloaded into a process of a test: all but the servers on loopback is out of reach for its `fetch`.

const send = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const { hostname } = new URL(input instanceof Request ? input.url : input);
  if (hostname === "127.0.0.1") return send(input, init);
  throw new TypeError(`fetch failed: no test asks ${hostname}`);
};
