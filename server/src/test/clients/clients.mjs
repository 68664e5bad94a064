// Makes calls with every client of Connect-ES and prints what came back, one line of JSON a call.
// node clients.mjs URL TOKEN PROTOSET CALLS
// CALLS is a file, [{method: "package.Service/Method", token, request, take}]: of a stream, the first
// `take` messages that have a cursor are read. TOKEN is for the calls that are not listed there.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";

const [baseUrl, token, protoset, file] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(protoset)));
const calls = JSON.parse(readFileSync(file, "utf8"));

const common = {
  baseUrl,
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

const signedIn = (token) => ({ headers: token ? { authorization: `Bearer ${token}` } : {} });
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const wireName = (code) => Code[code].replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
const details = (error) => error.details.map(({ type, value }) => ({ type, value: base64(value) }));

async function report(line, call) {
  try {
    line.answers = await call();
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

async function answers(transport, { method, token, request, take }) {
  const [serviceName, methodName] = method.split("/");
  const service = registry.getService(serviceName);
  const { localName, methodKind, input, output } = service.methods.find(
    ({ name }) => name === methodName,
  );
  const json = (message) => toJson(output, message, { registry });
  const answer = createClient(service, transport)[localName](
    fromJson(input, request, { registry }),
    signedIn(token),
  );
  if (methodKind === "unary") return [json(await answer)];
  const taken = [];
  for await (const message of answer) {
    if (message.cursor) taken.push(json(message));
    if (taken.length >= take) break;
  }
  return taken;
}

// More than is sent without compression; how much of it comes back.
async function large(transport, name) {
  const agents = createClient(registry.getService("mandate.agents.v1.AgentService"), transport);
  const asked = { name, instructions: "Be brief. ".repeat(2000) };
  const { id } = await agents.createAgent(asked, signedIn(token));
  const { instructions } = await agents.getAgent({ id }, signedIn(token));
  await agents.deleteAgent({ id }, signedIn(token));
  return instructions.length;
}

for (const [client, transport] of Object.entries(transports)) {
  for (const [call, asked] of calls.entries()) {
    await report({ client, call }, () => answers(transport, asked));
  }
  await report({ client }, () => large(transport, client));
}
process.exit(0);
