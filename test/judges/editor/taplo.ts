// taplo's language server, which editors use for TOML, with the messages of LSP. It runs in this process, as in VS Code.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import type { RpcMessage } from "@taplo/lsp";

/** Node.js finds no named exports in this file of 35 MB. */
const { TaploLsp }: typeof import("@taplo/lsp") = createRequire(import.meta.url)("@taplo/lsp");

type Position = { readonly line: number; readonly character: number };
type Diagnostic = {
  readonly message: string;
  readonly range: { readonly start: Position; readonly end: Position };
};
type CompletionItem = { readonly label: string };

export type LanguageServer = {
  /** Opens a file, and returns what the server underlines in it. */
  readonly diagnose: (uri: string, text: string) => Promise<readonly Diagnostic[]>;
  /** Returns what the server offers at a position of a file that is open. */
  readonly complete: (uri: string, position: Position) => Promise<readonly CompletionItem[]>;
  readonly stop: () => void;
};

/** It publishes what the syntax, the tables and the schema say, one after the other, and ends at the first mistake. */
const STAGES = 3;

/** The directive in the file names its schema, so no list of schemas is fetched. */
const SETTINGS = { schema: { enabled: true, catalogs: [] } };

/** @param folder of the project */
export async function startTaplo(folder: string): Promise<LanguageServer> {
  const waiting = new Map<number, (result: unknown) => void>();
  let publish: (params: unknown) => void = () => {};
  let lastId = 0;

  const onMessage = ({ id, method, params, result }: RpcMessage) => {
    if (method === "textDocument/publishDiagnostics") publish(params);
    // The server asks for the settings of the editor.
    else if (method !== undefined && id !== undefined)
      lsp.send({ jsonrpc: "2.0", id, result: [SETTINGS] });
    else if (typeof id === "number") waiting.get(id)?.(result);
  };
  const lsp = await TaploLsp.initialize(environmentOf(folder), { onMessage });

  const send = (method: string, params: object) => lsp.send({ jsonrpc: "2.0", method, params });
  const request = (method: string, params: object) => {
    lastId += 1;
    lsp.send({ jsonrpc: "2.0", id: lastId, method, params });
    return new Promise((resolve) => waiting.set(lastId, resolve));
  };

  const rootUri = `file://${folder}`;
  await request("initialize", {
    ...{ processId: process.pid, rootUri, capabilities: {} },
    workspaceFolders: [{ uri: rootUri, name: "project" }],
    initializationOptions: { configurationSection: "evenBetterToml" },
  });
  send("initialized", {});

  return {
    diagnose: (uri, text) => {
      let publications = 0;
      const published = new Promise<readonly Diagnostic[]>((resolve) => {
        publish = (params) => {
          const { diagnostics } = params as { diagnostics: readonly Diagnostic[] };
          publications += 1;
          if (diagnostics.length > 0 || publications === STAGES) resolve(diagnostics);
        };
      });
      const textDocument = { uri, text, languageId: "toml", version: 1 };
      send("textDocument/didOpen", { textDocument });
      return published;
    },
    complete: async (uri, position) => {
      const params = { textDocument: { uri }, position };
      const result = await request("textDocument/completion", params);
      const items = Array.isArray(result) ? result : (result as { items: unknown } | null)?.items;
      return (items ?? []) as readonly CompletionItem[];
    },
    stop: () => lsp.dispose(),
  };
}

/** What the server may do: read files, and ask no network. */
function environmentOf(folder: string): Parameters<typeof TaploLsp.initialize>[0] {
  const refuse = () => Promise.reject(new Error("the server needs no such thing"));
  return {
    now: () => new Date(),
    envVar: () => undefined,
    envVars: () => [],
    stdErrAtty: () => false,
    stdin: refuse,
    stdout: (bytes) => Promise.resolve(bytes.length),
    stderr: (bytes) => Promise.resolve(bytes.length),
    glob: () => [],
    readFile: (path) => readFile(path),
    writeFile: refuse,
    // The server asks this of an address without a file, too.
    urlToFilePath: (url) => decodeURIComponent(new URL(url).pathname),
    isAbsolute: (path) => isAbsolute(path),
    cwd: () => folder,
    findConfigFile: () => undefined,
  };
}
