// Calls a server with every client of Connect-ES and prints what came back, one line of JSON a call.
// node clients.mjs URL TOKEN PROTOSET THREAD CURSORS
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";

const [baseUrl, token, protoset, threadId, cursors] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(protoset)));
const service = (name) => registry.getService(name);
const NOBODY = "01a1f90e-0000-7000-8000-000000000000";

const authorize = (next) => (request) => {
  if (!request.header.has("authorization")) request.header.set("authorization", `Bearer ${token}`);
  return next(request);
};
const common = {
  baseUrl,
  interceptors: [authorize],
  acceptCompression: [compressionGzip],
  sendCompression: compressionGzip,
};
const transports = {
  "connect-node binary": createConnectTransport({ ...common, httpVersion: "2" }),
  "connect-node json GET": createConnectTransport({
    ...common,
    httpVersion: "1.1",
    useBinaryFormat: false,
    useHttpGet: true,
  }),
  "connect-node binary GET": createConnectTransport({
    ...common,
    httpVersion: "1.1",
    useHttpGet: true,
  }),
  "connect-node grpc": createGrpcTransport({ ...common, httpVersion: "2" }),
  "connect-node grpc-web": createGrpcWebTransport({ ...common, httpVersion: "1.1" }),
  "connect-node grpc-web over 2": createGrpcWebTransport({ ...common, httpVersion: "2" }),
};

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const wireName = (code) => Code[code].replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
const details = (error) => error.details.map(({ type, value }) => ({ type, value: base64(value) }));

async function report(client, operation, call) {
  const line = { client, operation };
  try {
    line.answer = await call();
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    line.error = {
      code: wireName(error.code),
      message: error.rawMessage,
      details: details(error),
    };
  }
  console.log(JSON.stringify(line));
}

async function every(name, transport) {
  const agents = service("mandate.agents.v1.AgentService");
  const client = createClient(agents, transport);
  const runs = createClient(service("mandate.runs.v1.RunService"), transport);
  const json = (message) => toJson(registry.getMessage(message.$typeName), message, { registry });
  const call = (operation, work) => report(name, operation, work);

  await call("list", async () => json(await client.listAgents({})));
  await call("missing", async () => json(await client.getAgent({ id: NOBODY })));
  await call("no id", async () => json(await client.getAgent({ id: "x" })));
  await call("no name", async () => json(await client.createAgent({ instructions: "none" })));
  await call("nobody", async () =>
    json(await client.listAgents({}, { headers: { authorization: "Bearer nobody" } })),
  );
  await call("large", async () => {
    const made = await client.createAgent({ name, instructions: "Be brief. ".repeat(2000) });
    return (await client.getAgent({ id: made.id })).instructions.length;
  });
  await call("watch", async () => {
    const seen = [];
    for await (const event of runs.watchThread({ threadId })) {
      if (event.cursor) seen.push(event.cursor);
      if (seen.length >= Number(cursors)) break;
    }
    return seen;
  });
  await call("watch nothing", async () => {
    for await (const event of runs.watchThread({ threadId: NOBODY })) return json(event);
  });
}

for (const [name, transport] of Object.entries(transports)) await every(name, transport);
process.exit(0);
